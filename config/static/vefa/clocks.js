// Clocks that count: a promise with data-due shows the time left, or how late it is, and turns from soon to late by itself.
// The words stand in no live region, so nothing is read out while they change.
(() => {
  "use strict";
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const language = document.documentElement.lang || "en";
  const worded = Object.fromEntries(units.map(([unit]) => [unit, new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" })]));
  const SIGN = "http://www.w3.org/2000/svg";

  // the two largest units that are not empty, as the server words them; seconds only in the last minute
  function span(seconds) {
    if (seconds < 60) return worded.second.format(Math.floor(seconds));
    let rest = Math.floor(seconds / 60) * 60;
    const parts = units.slice(0, 3).map(([unit, size]) => {
      const number = Math.floor(rest / size);
      rest -= number * size;
      return [unit, number];
    });
    const first = parts.findIndex(([, number]) => number);
    return parts.slice(first, first + 2).filter(([, number]) => number).map(([unit, number]) => worded[unit].format(number)).join(" ");
  }

  // beside colour and words the sign changes too: an exclamation mark in the clock
  function ring(clock) {
    const sign = clock.querySelector("svg");
    if (!sign) return;
    const drawn = document.createElementNS(SIGN, "svg");
    for (const { name, value } of [...sign.attributes]) drawn.setAttribute(name, value);
    for (const [kind, facts] of [["circle", { cx: 12, cy: 12, r: 10 }], ["path", { d: "M12 7v6" }], ["path", { d: "M12 17h.01" }]]) {
      const part = document.createElementNS(SIGN, kind);
      Object.entries(facts).forEach(([name, value]) => part.setAttribute(name, value));
      drawn.append(part);
    }
    sign.replaceWith(drawn);
  }

  function count() {
    const now = Date.now();
    document.querySelectorAll("[data-due]").forEach((clock) => {
      const left = (new Date(clock.dataset.due) - now) / 1000;
      const late = left < 0;
      if (late && !clock.classList.contains("late")) ring(clock);
      clock.classList.toggle("late", late);
      clock.classList.toggle("soon", !late && left <= Number(clock.dataset.soon));
      const said = (late ? clock.dataset.late : clock.dataset.left).replace("%(time)s", span(Math.abs(left)));
      const text = clock.lastElementChild;
      if (text.textContent !== said) text.textContent = said;
    });
  }

  setInterval(() => document.hidden || count(), 1000);
  document.addEventListener("visibilitychange", () => document.hidden || count());
})();
