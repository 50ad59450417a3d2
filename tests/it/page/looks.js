(() => {
  const bad = [];
  const visible = (e) => e.getClientRects().length > 0;
  const one = (selector) => document.querySelectorAll(selector).length;
  if (document.documentElement.lang !== "en") bad.push("no language");
  if (one("main") !== 1 || one("h1") < 1) bad.push("no main or no heading");
  // One script, from this site, with its digest in its name.
  const own = (e) => /^\/page-[0-9a-f]{16}\.js$/.test(e.getAttribute("src") || "") && !e.textContent;
  if (one("script") > 1 || ![...document.scripts].every(own)) bad.push("a script that is not ours");
  if (one("[style]") || one("img,iframe,object,embed,link")) bad.push("something that may load or run");
  document.querySelectorAll("table th:not([scope])").forEach((e) => bad.push("th without scope: " + e.textContent));
  document.querySelectorAll("input,select").forEach((e) => e.labels.length || bad.push("no label: " + e.name));
  document.querySelectorAll("a").forEach((e) => e.textContent.trim() || bad.push("a link without a name: " + e.href));
  document.querySelectorAll("svg[role=img]:not([aria-label])").forEach(() => bad.push("a drawing without words"));
  document.querySelectorAll("tbody th[scope=row]").forEach((e) => e.clientWidth < 70 && bad.push("squeezed: " + e.textContent));
  let level = 0;
  document.querySelectorAll("h1,h2,h3,h4").forEach((e) => {
    const now = Number(e.tagName[1]);
    if (now > level + 1) bad.push("a level of headings is left out: " + e.textContent);
    level = now;
  });
  if (document.documentElement.scrollWidth > window.innerWidth) bad.push("wider than the window: " + document.documentElement.scrollWidth);
  // Contrast of text as WCAG 2.2 computes it.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = (c) => {
    const [r, g, b] = [0, 1, 2].map((i) => { const x = c[i] / 255; return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgba(getComputedStyle(e).backgroundColor);
      if (c[3] === 255) return c;
    }
    return [255, 255, 255, 255];
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || seen.has(e) || !visible(e)) continue;
    seen.add(e);
    const [a, b] = [light(rgba(getComputedStyle(e).color)), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push("contrast " + ratio.toFixed(2) + ": " + e.textContent.slice(0, 40));
  }
  return bad;
})()
