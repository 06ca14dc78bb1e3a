// My work: what the bulk bar says, and keeping a selection honest.
(() => {
  "use strict";
  const language = document.documentElement.lang || "en";
  const ticked = () => document.querySelectorAll("#work-list .tick :checked");

  function tell() {
    const said = document.querySelector("[data-bulk-count]");
    if (!said) return;
    const count = ticked().length;
    said.textContent = count === 1 ? said.dataset.one : said.dataset.many.replace("{n}", new Intl.NumberFormat(language).format(count));
  }

  document.addEventListener("change", (event) => {
    if (!event.target.matches("#work-list .tick input")) return;
    tell();
  });
  document.addEventListener("reset", (event) => {
    if (event.target.id === "bulk") setTimeout(tell);
  });
  document.addEventListener("htmx:afterSettle", tell);

  // Shift and a press select all rows between
  let last = null;
  document.addEventListener("click", (event) => {
    const box = event.target.closest?.("#work-list .tick input");
    if (!box) return;
    const all = [...document.querySelectorAll("#work-list .tick input")];
    if (event.shiftKey && last && all.includes(last)) {
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((one, other) => one - other);
      all.slice(from, to + 1).forEach((each) => { each.checked = box.checked; });
      tell();
    }
    last = box;
  });

  // after "leave it as it is" the list shows how it is
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-work-refresh]")) htmx.trigger(document.body, "work-changed");
  });
})();
