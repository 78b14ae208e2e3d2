// What the browser keeps of this device: its name, its factor, and a key that no script can read, only use.

const DATABASE = "itcare-device";
const STORE = "device";
const CURRENT = "current";
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };

export async function newKey() {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"]);
  return { privateKey, publicKey: await crypto.subtle.exportKey("jwk", publicKey) };
}

export async function sign(privateKey, purpose, ...parts) {
  const text = new TextEncoder().encode([`itcare push ${purpose} 1`, ...parts].join("\n"));
  return base64url(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, privateKey, text));
}

export const keep = (device) => within("readwrite", (store) => store.put(device, CURRENT));
export const kept = () => within("readonly", (store) => store.get(CURRENT));
export const forget = () => within("readwrite", (store) => store.delete(CURRENT));

export function bytesOf(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

function base64url(buffer) {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function within(mode, ask) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = ask(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
