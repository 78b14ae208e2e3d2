import { getOperationAST } from 'graphql';
import { useCallback, useEffect, useRef, useState } from 'react';
import { follow, refusal, send } from './gateway.js';
import { comeBack, leaveToSignIn, refresh, revoke } from './openid.js';
import { needed } from './stepUp.js';

// Session storage alone: it ends with the browser tab, and nothing of it goes into a URL or to another tab.
const TOKENS = 'itcare.token';
const TOKEN_SHAPE = /^[A-Za-z0-9._~+/-]+=*$/; // RFC 6750, section 2.1
const VIEWER = 'query Viewer { viewer { email kind } }';

/**
 * Who is signed in on this page.
 *
 * Returns `viewer` or null; `notice`, a sentence for the person or null; `signIn()`, which leaves for the sign-in page;
 * `useToken(token)`; `signOut()`; `fetcher`, which sends GraphiQL's requests as the caller; and `asked`, what a mutation
 * still needs of the person's second factor, or null.
 *
 * Tokens are `{ access, refresh, until }`; one that was pasted has no `refresh`, and is used until it is refused.
 */
export function useSession() {
  const [viewer, setViewer] = useState(null);
  const [notice, setNotice] = useState(null);
  const [asked, setAsked] = useState(null);
  const tokens = useRef(null);
  const refreshing = useRef(null);

  const keep = useCallback(given => {
    tokens.current = given;
    if (given) sessionStorage.setItem(TOKENS, JSON.stringify(given));
    else sessionStorage.removeItem(TOKENS);
  }, []);

  const leave = useCallback(
    (reason = null) => {
      keep(null);
      setViewer(null);
      setNotice(reason);
    },
    [keep],
  );

  const signOut = useCallback(() => {
    if (tokens.current?.refresh) revoke(tokens.current.refresh);
    leave();
  }, [leave]);

  // A refresh token serves once: whoever needs a new token meanwhile waits for the same answer.
  const accessToken = useCallback(async () => {
    const held = tokens.current;
    if (!held?.refresh || Date.now() < held.until) return held?.access;
    refreshing.current ??= refresh(held.refresh)
      .then(keep)
      .finally(() => {
        refreshing.current = null;
      });
    await refreshing.current;
    return tokens.current?.access;
  }, [keep]);

  const enter = useCallback(
    async give => {
      setNotice('Asking who you are…');
      try {
        const given = await give();
        if (!given) {
          setNotice(null);
          return;
        }
        keep(given);
        setViewer(await askViewer(await accessToken()));
        setNotice(null);
      } catch (error) {
        leave(error.message);
      }
    },
    [accessToken, keep, leave],
  );

  const useToken = useCallback(
    async pasted => {
      const access = pasted.trim().replace(/^Bearer\s+/i, '');
      if (TOKEN_SHAPE.test(access)) await enter(async () => ({ access }));
      else setNotice('This is not an access token.');
    },
    [enter],
  );

  // A code serves once, and so does this effect, however often it is run.
  const entered = useRef(false);
  useEffect(() => {
    if (entered.current) return;
    entered.current = true;
    enter(async () => (await comeBack()) ?? JSON.parse(sessionStorage.getItem(TOKENS) ?? 'null'));
  }, [enter]);

  /** Ask for the second factor; gives whether there is one now. */
  const stepUp = useCallback(
    async what => {
      const token = await accessToken();
      const fresh = await new Promise(answer => setAsked({ token, needed: what, answer }));
      setAsked(null);
      if (fresh) keep({ ...tokens.current, ...fresh });
      return fresh !== null;
    },
    [accessToken, keep],
  );

  const fetcher = useCallback(
    async (request, { documentAST } = {}) => {
      const operation = documentAST && getOperationAST(documentAST, request.operationName);
      try {
        if (operation?.operation === 'subscription') return follow(request, await accessToken());
        let answer = await send(request, await accessToken());
        const what = tokens.current && needed(answer);
        if (what?.methods.length && (await stepUp(what))) answer = await send(request, await accessToken());
        if (tokens.current && refusal(answer)) leave(`The token was refused: ${refusal(answer)}`);
        return answer;
      } catch (error) {
        if (tokens.current?.refresh && Date.now() >= tokens.current.until) leave(error.message);
        throw error;
      }
    },
    [accessToken, leave, stepUp],
  );

  return { viewer, notice, asked, signIn: leaveToSignIn, useToken, signOut, fetcher };
}

async function askViewer(token) {
  const answer = await send({ query: VIEWER }, token);
  if (refusal(answer)) throw new Error(`The token was refused: ${refusal(answer)}`);
  if (answer.errors) throw new Error(answer.errors[0].message);
  if (!answer.data.viewer) throw new Error('The gateway knows no account for this token.');
  return answer.data.viewer;
}
