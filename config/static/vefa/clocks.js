// Clocks that count: a promise with data-due shows the time left, or how late it is, every half minute.
(() => {
  "use strict";
  const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
  const language = document.documentElement.lang || "en";
  const worded = Object.fromEntries(units.map(([unit]) => [unit, new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" })]));

  // the two largest units that are not empty, as the server words them
  function span(seconds) {
    let rest = Math.max(60, Math.floor(seconds / 60) * 60);
    const parts = units.map(([unit, size]) => {
      const number = Math.floor(rest / size);
      rest -= number * size;
      return [unit, number];
    });
    const first = parts.findIndex(([, number]) => number);
    return parts.slice(first, first + 2).filter(([, number]) => number).map(([unit, number]) => worded[unit].format(number)).join(" ");
  }

  function count() {
    document.querySelectorAll("[data-due]").forEach((clock) => {
      const left = (new Date(clock.dataset.due) - Date.now()) / 1000;
      const late = left < 0;
      clock.classList.toggle("late", late);
      clock.classList.toggle("soon", !late && left <= Number(clock.dataset.soon));
      const said = (late ? clock.dataset.late : clock.dataset.left).replace("%(time)s", span(Math.abs(left)));
      const text = clock.lastElementChild;
      if (text.textContent !== said) text.textContent = said;
    });
  }

  setInterval(count, 30000);
  document.addEventListener("visibilitychange", () => document.hidden || count());
})();
