// What a page can do beyond its markup: it keeps itself fresh, and its rows are filtered. Everything else works without.
"use strict";
(() => {
  const main = document.getElementById("main");
  const every = Number(main && main.dataset.refresh) * 1000;
  if (!(every > 0)) return;
  /** After so many tries in a row that failed nothing is asked any more. */
  const TRIES = 6;

  const make = (name, attributes, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const box = make("input", { type: "search", id: "rows", autocomplete: "off", spellcheck: "false" });
  const field = make("div", {}, make("label", { for: "rows" }, "Only rows with"), box);
  const live = make("button", { type: "button", "aria-pressed": "true" }, "Live");
  const told = make("p", { role: "status" });
  const tools = { class: "filter tools", role: "group", "aria-label": "This page" };
  main.before(make("div", tools, field, make("div", {}, live), told));
  const tell = (text) => { told.textContent = text; };

  // Rows.
  const rows = () => [...main.querySelectorAll("tbody tr, .jobs li")].filter((row) => !row.querySelector(".group"));
  const filter = () => {
    const wanted = box.value.trim().toLowerCase();
    const all = rows();
    let shown = 0;
    for (const row of all) {
      const body = row.closest("tbody");
      const group = body && body.querySelector(".group");
      const text = `${row.textContent} ${group ? group.textContent : ""}`.toLowerCase();
      row.hidden = !text.includes(wanted);
      shown += row.hidden ? 0 : 1;
    }
    for (const head of main.querySelectorAll("tbody .group")) {
      const own = head.closest("tr");
      own.hidden = [...own.parentElement.rows].every((row) => row === own || row.hidden);
    }
    // A page without a list has nothing to filter.
    field.hidden = all.length < 2 && wanted === "";
    return `${shown} of ${all.length} rows`;
  };
  box.addEventListener("input", () => {
    const count = filter();
    tell(box.value.trim() === "" ? "" : count);
  });

  // What a node is, so that it is found again after others came before it.
  const key = (node) => {
    if (node.nodeType !== Node.ELEMENT_NODE) return node.nodeName;
    const named = node.querySelector({ TR: "a[href]", TBODY: ".group a[href]" }[node.nodeName] || "none");
    return `${node.nodeName} ${node.id || (named ? named.getAttribute("href") : "")}`;
  };
  // What the reader did to it stays.
  const theirs = (node, name) => name === "hidden" || (name === "open" && node.nodeName === "DETAILS");

  /** Makes `old` what `fresh` is. What is the same stays the same node, with its focus, its scroll and its text. */
  const merge = (old, fresh) => {
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && !theirs(old, name)) old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value && !theirs(old, name)) old.setAttribute(name, value);
    }
    let at = old.firstChild;
    for (const child of fresh.childNodes) {
      const wanted = key(child);
      let found = at;
      while (found && key(found) !== wanted) found = found.nextSibling;
      if (!found) {
        old.insertBefore(document.importNode(child, true), at);
        continue;
      }
      while (at !== found) {
        const next = at.nextSibling;
        at.remove();
        at = next;
      }
      if (child.nodeType === Node.ELEMENT_NODE) merge(found, child);
      else if (found.data !== child.data) found.data = child.data;
      at = found.nextSibling;
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  };

  // What is worth being read aloud: the verdict of a report, the counts of the overview. Ages change all the time.
  const gist = () => {
    const most = main.querySelector(".verdict, .states");
    return most ? most.textContent.replace(/\s+/g, " ").trim() : "";
  };

  const replace = (page) => {
    const fresh = page.getElementById("main");
    if (!fresh) throw new Error("another page");
    const before = gist();
    const focus = main.contains(document.activeElement) ? document.activeElement : null;
    const held = focus && [focus.nodeName, focus.id, focus.getAttribute("href")];
    // What is at the top of the window stays there, unless that is the top of the page.
    const seen = window.scrollY > 0 ? rows().find((row) => row.getBoundingClientRect().bottom > 0) : null;
    const top = seen ? seen.getBoundingClientRect().top : 0;
    merge(main, fresh);
    document.title = page.title;
    filter();
    // Before anything is measured: a longer text moves what is below it.
    if (gist() !== before) tell(`Changed: ${gist()}`);
    if (seen && seen.isConnected) window.scrollBy(0, seen.getBoundingClientRect().top - top);
    if (focus && !focus.isConnected) {
      const like = [...main.querySelectorAll(held[0])].find((e) => e.id === held[1] && e.getAttribute("href") === held[2]);
      (like || main).focus({ preventScroll: true });
    }
  };

  // Asks for the page again.
  const address = location.origin + location.pathname + location.search;
  let tag = "";
  let failed = 0;
  let timer = 0;
  let due = Date.now() + every;
  let asking = false;
  const on = () => live.getAttribute("aria-pressed") === "true";
  const later = () => {
    clearTimeout(timer);
    if (on() && !document.hidden && !asking) timer = setTimeout(look, Math.max(0, due - Date.now()));
  };
  const stop = (why) => {
    live.setAttribute("aria-pressed", "false");
    tell(`${why} This page is not kept fresh any more.`);
  };
  async function look() {
    asking = true;
    try {
      const headers = tag ? { "If-None-Match": tag } : {};
      const signal = AbortSignal.timeout(30_000);
      const answer = await fetch(address, { headers, signal, cache: "no-store", redirect: "manual" });
      const gone = answer.status >= 400 && answer.status < 500 && answer.status !== 429;
      // A proxy leads to its login.
      const out = answer.type === "opaqueredirect" || answer.status === 401;
      if (out) {
        stop("You are not logged in any more: load the page again to log in.");
      } else if (gone) {
        stop(`The answer is ${answer.status}.`);
      } else if (answer.status === 200) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (on()) {
          replace(page);
          tag = answer.headers.get("ETag") || "";
        }
      } else if (answer.status !== 304) {
        throw new Error(answer.status);
      }
      if (failed > 0 && !gone && !out) tell("This page is fresh again.");
      failed = 0;
    } catch {
      failed += 1;
      if (failed >= TRIES) stop("There was no answer for some time.");
      else if (failed === 1) tell("There is no answer; it is tried again.");
    }
    asking = false;
    due = Date.now() + every * 2 ** failed;
    later();
  }
  live.addEventListener("click", () => {
    const now = !on();
    live.setAttribute("aria-pressed", String(now));
    tell(now ? "This page is kept fresh." : "This page stays as it is.");
    failed = 0;
    due = Date.now();
    later();
  });
  document.addEventListener("visibilitychange", later);
  // A form may not lead to another site, as it would on the way to the login of a proxy. A link may.
  document.addEventListener("submit", (event) => {
    event.preventDefault();
    const asked = [...new FormData(event.target)].filter(([, value]) => value !== "");
    location.assign(`${event.target.action}?${new URLSearchParams(asked)}`);
  });
  filter();
  later();
})();
