import { useEffect, useRef } from 'react';

/** The ways in, by the sign-in page or with a token, or, once signed in, the name of the caller and the way out. */
export function TokenBox({ session }) {
  const { viewer, notice, signIn, useToken, signOut } = session;
  const control = useRef(null);
  const used = useRef(false);

  // The form and the button take each other's place: the focus of who used one goes to the other.
  useEffect(() => {
    if (used.current) control.current.focus();
    used.current = false;
  }, [viewer]);

  const submit = event => {
    event.preventDefault();
    const form = event.currentTarget;
    used.current = true;
    useToken(new FormData(form).get('token'));
    form.reset();
  };

  const leave = () => {
    used.current = true;
    signOut();
  };

  return (
    <section className="token-box" aria-label="Sign-in">
      <p role="status" className={notice ? 'notice' : undefined}>
        {notice ?? (viewer ? <SignedIn viewer={viewer} /> : 'Not signed in.')}
      </p>
      {viewer ? (
        <button type="button" ref={control} onClick={leave}>
          Sign out
        </button>
      ) : (
        <>
          <button type="button" ref={control} onClick={signIn}>
            Sign in
          </button>
          <form onSubmit={submit}>
            <label htmlFor="token">or with an access token</label>
            <input id="token" name="token" type="password" required autoComplete="off" spellCheck={false} />
            <button type="submit">Use it</button>
          </form>
        </>
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
