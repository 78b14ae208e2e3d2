// Has the browser make or use a passkey for the form that asks for one, and sends the form with what it gave.

const form = document.querySelector("form[data-passkey]");
const button = form.querySelector("button");
const problem = document.getElementById("passkey-problem");

const WORDS = {
  InvalidStateError: "This device holds a passkey of yours already. Use another device.",
  NotAllowedError: "Nothing was confirmed: it was cancelled, took too long, or this device holds no passkey of yours.",
  SecurityError: "Passkeys cannot be used at this address. Choose another way.",
};
const OTHERWISE = "Your browser could not do it. Try again, or choose another way.";

const bytesOf = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

const textOf = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const named = (credentials) => credentials.map((credential) => ({ ...credential, id: bytesOf(credential.id) }));

/** Gives what a browser made or signed, as JSON of its own would have it. */
function written(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = textOf(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return JSON.stringify({
    id: credential.id,
    rawId: textOf(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: {},
    response,
  });
}

const ceremonies = {
  create: (options) =>
    navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: bytesOf(options.challenge),
        user: { ...options.user, id: bytesOf(options.user.id) },
        excludeCredentials: named(options.excludeCredentials),
      },
    }),
  get: (options) =>
    navigator.credentials.get({
      publicKey: {
        ...options,
        challenge: bytesOf(options.challenge),
        allowCredentials: named(options.allowCredentials),
      },
    }),
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  problem.textContent = "";
  try {
    const credential = await ceremonies[form.dataset.passkey](JSON.parse(form.dataset.options));
    form.elements[form.dataset.into].value = written(credential);
    form.submit();
  } catch (error) {
    problem.textContent = WORDS[error.name] ?? OTHERWISE;
    button.disabled = false;
  }
});

// The page says that this takes a script, and has no button, until there is one.
document.getElementById("passkey-missing").hidden = true;
if (window.PublicKeyCredential) {
  button.hidden = false;
} else {
  problem.textContent = "This browser does not know passkeys. Choose another way.";
}
