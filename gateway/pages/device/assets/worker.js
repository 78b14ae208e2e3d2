// Shows notifications, and opens the page. A notification holds the beginning of the words, and nothing that answers.

const PAGE = "/auth/device";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  event.waitUntil(Promise.all([show(wordsOf(event.data)), tellPages()]));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open());
});

function wordsOf(data) {
  try {
    return String(data.json().words);
  } catch {
    return "You are asked to approve something.";
  }
}

function show(words) {
  return self.registration.showNotification("ITCare: is this you?", {
    body: words,
    tag: "itcare", // a newer one takes the place of the one before
    renotify: true,
    requireInteraction: true,
    icon: `${PAGE}/icon.png`,
  });
}

async function pages() {
  const all = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  return all.filter((page) => new URL(page.url).pathname === PAGE);
}

async function tellPages() {
  for (const page of await pages()) page.postMessage("look");
}

async function open() {
  const [page] = await pages();
  if (!page) return self.clients.openWindow(PAGE);
  page.postMessage("look");
  return page.focus();
}
