"use strict";
(function () {
  const first = document.querySelector("main[data-refresh]");
  if (!first) return;
  const seconds = Number(first.dataset.refresh);
  let timer = 0;
  function busy(main) {
    const active = document.activeElement;
    const typing = main.contains(active) && /^(INPUT|SELECT|TEXTAREA|BUTTON)$/.test(active.tagName);
    const selecting = String(document.getSelection()) !== "";
    return typing || selecting || main.querySelector("details[open], input:checked") !== null;
  }
  async function refresh() {
    const main = document.querySelector("main");
    if (document.visibilityState !== "visible" || busy(main)) return;
    const answer = await fetch(location.href, { credentials: "same-origin", redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("main");
    if (!fresh || busy(main)) return;
    const held = document.activeElement && main.contains(document.activeElement)
      ? document.activeElement.getAttribute("href") : null;
    main.replaceWith(document.adoptNode(fresh));
    document.title = page.title;
    for (const part of ["footer", "header nav"]) {
      const now = document.querySelector(part);
      const then = page.querySelector(part);
      if (now && then) now.replaceWith(document.adoptNode(then));
    }
    if (held) {
      const link = fresh.querySelector('a[href="' + CSS.escape(held) + '"]');
      if (link) link.focus({ preventScroll: true });
    }
  }
  function next(wait) {
    clearTimeout(timer);
    timer = setTimeout(function () {
      refresh().then(() => {
        document.body.removeAttribute("data-lost");
        next(seconds);
      }, () => {
        document.body.setAttribute("data-lost", "");
        next(Math.max(30, seconds));
      });
    }, wait * 1000);
  }
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") next(0.2);
  });
  next(seconds);
})();
