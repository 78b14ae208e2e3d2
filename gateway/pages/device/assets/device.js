// The page on a person's own device: sets it up, shows what waits for it, and answers with a signature.

import { bytesOf, forget, keep, kept, newKey, sign } from "./keys.js";

const PUSH = "/auth/factors/push";
const HEADINGS = {
  unable: "This device cannot be set up",
  "sign-in": "Sign in",
  confirm: "Confirm that it is you",
  "set-up": "Set up this device",
  idle: "Nothing to approve",
  question: "Is this you?",
};

const at = (id) => document.getElementById(id);
const formToken = document.querySelector("meta[name=form-token]").content;
let device;
let question;

class Refused extends Error {
  constructor(status, error) {
    super(error?.message ?? "The gateway cannot be used now. Try again later.");
    this.status = status;
    this.code = error?.code;
  }
}

async function ask(method, path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: { "X-Form-Token": formToken, ...(body && { "Content-Type": "application/json" }) },
      body: body && JSON.stringify(body),
      credentials: "same-origin",
      redirect: "error",
    });
  } catch {
    throw new Refused(0, { message: "The gateway cannot be reached. Look whether this device is online." });
  }
  const content = await answer.json().catch(() => undefined);
  if (!answer.ok || content === undefined) throw new Refused(answer.status, content?.error);
  return content;
}

// -- what is shown

function show(section, { message = "", problem = "" } = {}) {
  const changed = at(section).hidden;
  for (const name of Object.keys(HEADINGS)) at(name).hidden = name !== section;
  at("heading").textContent = HEADINGS[section];
  document.title = `${HEADINGS[section]} - ITCare`;
  say(message, problem);
  if (changed) (section === "question" ? at("digits") : at("heading")).focus();
}

function say(message, problem) {
  at("message").textContent = message;
  at("problem").textContent = problem;
}

function showQuestion(waiting) {
  if (waiting.challengeId !== question?.challengeId) at("digits").value = "";
  question = waiting;
  at("words").textContent = waiting.words;
  show("question");
}

function showIdle(message) {
  question = undefined;
  at("digits").value = "";
  at("known-as").textContent = ` as ${device.name}`;
  show("idle", { message });
}

function showCodes(codes) {
  const items = codes.map((code) => {
    const item = document.createElement("li");
    item.append(Object.assign(document.createElement("code"), { className: "code", textContent: code }));
    return item;
  });
  at("code-list").replaceChildren(...items);
  at("codes").hidden = codes.length === 0;
}

// -- setting up

const canBeNotified = () =>
  "serviceWorker" in navigator && "PushManager" in window && "Notification" in window && "indexedDB" in window;

async function offerToSetUp(problem) {
  try {
    await ask("GET", "/auth/factors");
    show("set-up", { problem });
  } catch (error) {
    if (error.status !== 401) throw error;
    show("sign-in", { problem });
  }
}

async function setUp() {
  const name = at("name").value.trim();
  if (!name) {
    say("", "Give the device a name.");
    at("name").focus();
    return;
  }
  try {
    const begun = await ask("POST", PUSH, { name });
    const key = await newKey();
    const registration = await navigator.serviceWorker.ready;
    const subscription = await subscribe(registration.pushManager, begun.vapidKey, { anew: true });
    const confirmed = await ask("POST", `${PUSH}/confirm`, {
      factorId: begun.factorId,
      subscription: subscription.toJSON(),
      publicKey: key.publicKey,
      signature: await sign(key.privateKey, "enrolment", begun.factorId, begun.challenge),
    });
    device = { factorId: begun.factorId, name, privateKey: key.privateKey, endpoint: subscription.endpoint };
    await keep(device);
    showCodes(confirmed.recoveryCodes ?? []);
    showIdle("This device is your second factor now.");
  } catch (error) {
    if (error.code === "INSUFFICIENT_USER_AUTHENTICATION") show("confirm");
    else if (error.code === "UNAUTHENTICATED") show("sign-in");
    // Signed in or out in another tab: this page's token is of the session before.
    else if (error.code === "FORM_REFUSED") location.reload();
    else if (error.name === "NotAllowedError") {
      say("", "Notifications are blocked for this page. Allow them in the settings of your browser, and try again.");
    } else throw error;
  }
}

async function subscribe(manager, key, { anew }) {
  const applicationServerKey = bytesOf(key);
  const held = await manager.getSubscription();
  if (held && !anew && isSame(held.options.applicationServerKey, applicationServerKey)) return held;
  // One of another key, or one that the push service has dropped, would stand in the way.
  await held?.unsubscribe();
  return manager.subscribe({ userVisibleOnly: true, applicationServerKey });
}

function isSame(buffer, bytes) {
  const held = new Uint8Array(buffer);
  return held.length === bytes.length && held.every((byte, index) => byte === bytes[index]);
}

/** Tells the gateway of another subscription: browsers change them, and push services drop them. */
async function stayNotified(key, isNotified) {
  const { pushManager } = await navigator.serviceWorker.ready;
  let subscription;
  try {
    subscription = await subscribe(pushManager, key, { anew: !isNotified });
  } catch {
    say("", "This device is not notified: notifications are blocked. Look here yourself, or allow them.");
    return;
  }
  if (isNotified && subscription.endpoint === device.endpoint) return;
  const { factorId, privateKey } = device;
  const { nonce } = await ask("POST", `${PUSH}/nonce`, { factorId });
  const { endpoint, keys } = subscription.toJSON();
  const signature = await sign(privateKey, "subscription", factorId, nonce, endpoint, keys.p256dh, keys.auth);
  await ask("POST", `${PUSH}/renew`, { factorId, nonce, subscription: { endpoint, keys }, signature });
  device = { ...device, endpoint };
  await keep(device);
}

// -- what waits, and answering

async function look(message = "") {
  if (!device) return;
  const { factorId, privateKey } = device;
  try {
    const { nonce, vapidKey } = await ask("POST", `${PUSH}/nonce`, { factorId });
    const signature = await sign(privateKey, "question", factorId, nonce);
    const { waiting, isNotified } = await ask("POST", `${PUSH}/waiting`, { factorId, nonce, signature });
    if (waiting) showQuestion(waiting);
    else showIdle(message);
    await stayNotified(vapidKey, isNotified);
  } catch (error) {
    if (error.code !== "CHALLENGE_REFUSED") throw error;
    device = undefined;
    await forget();
    await offerToSetUp("This device is not your second factor any more: it was removed, or another took its place.");
  }
}

async function approve() {
  const digits = at("digits").value.replaceAll(" ", "");
  if (!/^[0-9]{6}$/.test(digits)) {
    say("", "Enter the 6 digits that your screen shows.");
    at("digits").focus();
    return;
  }
  const { challengeId, digest, secret } = question;
  const signature = await sign(device.privateKey, "answer", challengeId, digest, digits, secret);
  try {
    await ask("POST", `${PUSH}/answer`, { secret, signature });
    showIdle("Approved. Go on at your screen.");
  } catch (error) {
    if (error.code !== "CHALLENGE_REFUSED") throw error;
    await look("What you were asked is over. Begin again at your screen.");
    if (question) say("", "These are not the digits that your screen shows now. Look again.");
    at("digits").value = "";
  }
}

async function refuse() {
  try {
    await ask("POST", `${PUSH}/refuse`, { secret: question.secret });
    showIdle("Refused. Nothing is asked of this device for 15 minutes. Change your password if you did not sign in.");
  } catch (error) {
    if (error.code !== "CHALLENGE_REFUSED") throw error;
    await look("What you were asked is over.");
  }
}

// -- beginning

let busy = Promise.resolve();

/** Does one thing after the other, and says what went wrong. */
function run(task) {
  busy = busy.then(task).catch((error) => say("", error.message));
  return busy;
}

function onSubmit(id, task) {
  at(id).addEventListener("submit", (event) => {
    event.preventDefault();
    run(task);
  });
}

async function begin() {
  if (!canBeNotified()) {
    show("unable");
    return;
  }
  await navigator.serviceWorker.register("/auth/device/worker.js", { scope: "/auth/device" });
  navigator.serviceWorker.addEventListener("message", () => run(look));
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && run(look));
  device = await kept();
  await (device ? look() : offerToSetUp());
}

onSubmit("set-up-form", setUp);
onSubmit("answer-form", approve);
at("not-me").addEventListener("click", () => run(refuse));
at("look").addEventListener("click", () => run(() => look("Nothing waits for you now.")));
run(begin);
