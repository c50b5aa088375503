"use strict";
(function () {
  const form = document.querySelector(".controls");
  const fields = ["search", "severity", "kind", "status"].map((id) => document.getElementById(id));
  const [search, severity, kind, status] = fields;
  const count = document.getElementById("count");
  const sections = [...document.querySelectorAll(".environment")].map((section) => ({
    section,
    row: document.querySelector('[data-environment="' + section.id + '"]'),
    name: section.querySelector("h2").textContent.toLowerCase(),
    rests: [...section.querySelectorAll(".snoozed")].map((e) => e.textContent.toLowerCase()).join(" "),
    findings: [...section.querySelectorAll(".finding")].map((element) => ({
      element, text: element.textContent.toLowerCase(),
    })),
  }));
  function fits(finding, name, words) {
    const data = finding.element.dataset;
    return (!severity.value || data.severity === severity.value)
      && (!kind.value || data.kind === kind.value)
      && words.every((word) => finding.text.includes(word) || name.includes(word));
  }
  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const narrow = words.length > 0 || severity.value !== "" || kind.value !== "";
    let shown = 0;
    let environments = 0;
    for (const { section, row, name, rests, findings } of sections) {
      let hits = 0;
      for (const finding of findings) {
        const fit = fits(finding, name, words);
        finding.element.hidden = !fit;
        hits += fit ? 1 : 0;
      }
      const named = words.length > 0 && words.every((word) => name.includes(word) || rests.includes(word));
      const fit = (!status.value || section.dataset.status === status.value)
        && (!narrow || hits > 0 || (named && !severity.value && !kind.value));
      section.hidden = !fit;
      row.hidden = !fit;
      shown += fit ? hits : 0;
      environments += fit ? 1 : 0;
    }
    count.textContent = environments + " environments, " + shown + " findings";
  }
  let waiting = 0;
  function soon() {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 120);
  }
  fields.forEach((field) => field.addEventListener("input", soon));
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
      event.preventDefault();
      search.focus();
    }
  });
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((details) => { details.open = true; });
  });
  window.addEventListener("afterprint", () => {
    closed.forEach((details) => { details.open = false; });
  });
  form.hidden = false;
  filter();
})();
