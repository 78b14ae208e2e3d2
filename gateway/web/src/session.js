import { getOperationAST } from 'graphql';
import { useCallback, useEffect, useState } from 'react';
import { follow, refusal, send } from './gateway.js';

// Session storage alone: it ends with the browser tab, and nothing of it goes into a URL or to another tab.
const TOKEN = 'itcare.token';
const TOKEN_SHAPE = /^[A-Za-z0-9._~+/-]+=*$/; // RFC 6750, section 2.1
const VIEWER = 'query Viewer { viewer { email kind } }';

/**
 * Who is signed in on this page.
 *
 * Returns `caller`, `{ token, viewer }` or null; `notice`, a sentence for the person or null; `signIn(token)`;
 * `signOut()`; and `fetcher`, which sends GraphiQL's requests as the caller.
 */
export function useSession() {
  const [caller, setCaller] = useState(null);
  const [notice, setNotice] = useState(null);

  const signOut = useCallback((reason = null) => {
    sessionStorage.removeItem(TOKEN);
    setCaller(null);
    setNotice(reason);
  }, []);

  const signIn = useCallback(
    async pasted => {
      const token = pasted.trim().replace(/^Bearer\s+/i, '');
      if (!TOKEN_SHAPE.test(token)) {
        setNotice('This is not an access token.');
        return;
      }
      setNotice('Asking who you are…');
      try {
        const viewer = await askViewer(token);
        sessionStorage.setItem(TOKEN, token);
        setCaller({ token, viewer });
        setNotice(null);
      } catch (error) {
        signOut(error.message);
      }
    },
    [signOut],
  );

  useEffect(() => {
    const kept = sessionStorage.getItem(TOKEN);
    if (kept) signIn(kept);
  }, [signIn]);

  const fetcher = useCallback(
    async (request, { documentAST } = {}) => {
      const operation = documentAST && getOperationAST(documentAST, request.operationName);
      if (operation?.operation === 'subscription') return follow(request, caller?.token);
      const answer = await send(request, caller?.token);
      if (caller && refusal(answer)) signOut(`The token was refused: ${refusal(answer)}`);
      return answer;
    },
    [caller, signOut],
  );

  return { caller, notice, signIn, signOut, fetcher };
}

async function askViewer(token) {
  const answer = await send({ query: VIEWER }, token);
  if (refusal(answer)) throw new Error(`The token was refused: ${refusal(answer)}`);
  if (answer.errors) throw new Error(answer.errors[0].message);
  if (!answer.data.viewer) throw new Error('The gateway knows no account for this token.');
  return answer.data.viewer;
}
