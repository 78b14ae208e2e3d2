import { useEffect, useRef } from 'react';

/** The form that takes an access token, or, once signed in, the name of the caller and the way out. */
export function TokenBox({ session }) {
  const { caller, notice, signIn, signOut } = session;
  const control = useRef(null);
  const used = useRef(false);

  // The form and the button take each other's place: the focus of who used one goes to the other.
  useEffect(() => {
    if (used.current) control.current.focus();
    used.current = false;
  }, [caller]);

  const submit = event => {
    event.preventDefault();
    const form = event.currentTarget;
    used.current = true;
    signIn(new FormData(form).get('token'));
    form.reset();
  };

  const leave = () => {
    used.current = true;
    signOut();
  };

  return (
    <section className="token-box" aria-label="Sign-in">
      <p role="status" className={notice ? 'notice' : undefined}>
        {notice ?? (caller ? <SignedIn viewer={caller.viewer} /> : <SignedOut />)}
      </p>
      {caller ? (
        <button type="button" ref={control} onClick={leave}>
          Sign out
        </button>
      ) : (
        <form onSubmit={submit}>
          <label htmlFor="token">Access token</label>
          <input id="token" name="token" type="password" required autoComplete="off" spellCheck={false} ref={control} />
          <button type="submit">Sign in</button>
        </form>
      )}
    </section>
  );
}

function SignedIn({ viewer }) {
  return (
    <>
      Signed in as <strong>{viewer.email ?? 'an account without e-mail'}</strong>
      {viewer.kind === 'API_ACCOUNT' && ' (API account)'}
    </>
  );
}

function SignedOut() {
  return (
    <>
      Not signed in. <code>itcare-gateway token EMAIL</code> prints a token.
    </>
  );
}
