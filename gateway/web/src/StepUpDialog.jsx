import { useCallback, useEffect, useRef, useState } from 'react';
import { METHODS, askForPasskey, begin, complete, isElsewhere } from './stepUp.js';

const POLL_MS = 2000;

/**
 * Asks for the second factor that a mutation needs.
 *
 * `asked` is `{ token, needed, answer }`: who is calling, what the gateway said, and the function that is called with
 * the fresh token, or null if the person gives it up.
 */
export function StepUpDialog({ asked }) {
  const dialog = useRef(null);
  const { token, needed, answer } = asked;
  const [method, setMethod] = useState(needed.methods[0]);
  const [shown, setShown] = useState(null);
  const [problem, setProblem] = useState(null);
  const [begun, setBegun] = useState(0);

  useEffect(() => {
    const element = dialog.current;
    element.showModal();
    return () => element.close();
  }, []);

  // A person may choose another method, or the same again: the challenge stays, and is put to them anew.
  useEffect(() => {
    let current = true;
    setShown(null);
    begin(token, needed.challengeId, method).then(
      prompt => current && setShown(prompt),
      error => current && setProblem(error.message),
    );
    return () => {
      current = false;
    };
  }, [token, needed, method, begun]);

  const finish = useCallback(
    async code => {
      setProblem(null);
      try {
        const fresh = await complete(token, needed.challengeId, method, code);
        if (fresh) answer(fresh);
      } catch (error) {
        setProblem(error.message);
        // What a passkey answered is looked at once: the next one is put to it anew.
        if (method === 'WEBAUTHN') setBegun(count => count + 1);
      }
    },
    [token, needed, method, answer],
  );

  const waits = shown && isElsewhere(method) && !problem;
  useEffect(() => {
    if (!waits) return undefined;
    const timer = setInterval(() => finish(), POLL_MS);
    return () => clearInterval(timer);
  }, [waits, finish]);

  const choose = event => {
    setProblem(null);
    setMethod(event.target.value);
  };

  const again = () => {
    setProblem(null);
    setBegun(begun + 1);
  };

  const submit = event => {
    event.preventDefault();
    if (method === 'WEBAUTHN') askForPasskey(shown.options).then(finish, error => setProblem(error.message));
    else finish(new FormData(event.currentTarget).get('code'));
  };

  return (
    <dialog ref={dialog} className="step-up" aria-labelledby="step-up-title" onCancel={() => answer(null)}>
      <h2 id="step-up-title">Confirm with your second factor</h2>
      {shown && <p className="words">{shown.words}</p>}
      {needed.methods.length > 1 && (
        <p>
          <label htmlFor="step-up-method">Method</label>
          <select id="step-up-method" value={method} onChange={choose}>
            {needed.methods.map(name => (
              <option key={name} value={name}>
                {METHODS[name] ?? name}
              </option>
            ))}
          </select>
        </p>
      )}
      <p role="status">{shown ? shown.instructions : problem ? '' : 'Asking…'}</p>
      {shown?.display && <output className="display">{shown.display}</output>}
      {problem && (
        <p role="alert" className="problem">
          {problem}
        </p>
      )}
      <form onSubmit={submit}>
        {shown && method === 'TOTP' && (
          <p>
            <label htmlFor="step-up-code">Code</label>
            <input id="step-up-code" name="code" required autoComplete="one-time-code" inputMode="numeric" autoFocus />
          </p>
        )}
        <p className="buttons">
          {shown && !isElsewhere(method) && (
            <button type="submit">{method === 'WEBAUTHN' ? 'Use your passkey' : 'Confirm'}</button>
          )}
          {isElsewhere(method) && problem && (
            <button type="button" onClick={again}>
              Send it again
            </button>
          )}
          <button type="button" onClick={() => answer(null)}>
            Cancel
          </button>
        </p>
      </form>
    </dialog>
  );
}
