// My work: what the bulk bar says, and keeping a selection honest.
(() => {
  "use strict";
  const language = document.documentElement.lang || "en";
  const ticked = () => document.querySelectorAll("#work-list .tick :checked");

  function tell() {
    const said = document.querySelector("[data-bulk-count]");
    if (!said) return;
    const count = ticked().length;
    // two can be compared
    document.querySelectorAll("[data-pair]").forEach((button) => { button.hidden = count !== 2; });
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

  // a list that was drawn again gives the focus back to the place it had
  let place = -1;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "work") return;
    const rows = [...document.querySelectorAll("#work-list [data-row]")];
    place = rows.findIndex((row) => row.getAttribute("aria-current") === "true");
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "work" || place < 0) return;
    const rows = [...document.querySelectorAll("#work-list [data-row]")];
    const next = rows[Math.min(place, rows.length - 1)] || document.getElementById("work-list");
    place = -1;
    // who has gone on to type, in the search for instance, keeps the focus
    const typing = document.activeElement.matches("#work-filter *, input:not([type='checkbox']), textarea, select");
    if (!next || typing || document.querySelector("dialog[open]")) return;
    next.tabIndex = -1;
    next.focus({ preventScroll: true });
  });

  // keys whose action has no button of its own in the row
  const WAYS = { a: "assign/", d: "due/", t: "touch" };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !(event.key in WAYS)) return;
    if (event.target.closest("input:not([type='checkbox']), textarea, select, dialog[open]")) return;
    const row = event.target.closest("[data-row]") || document.querySelector("#work-list [data-row][aria-current='true']");
    const item = row && row.querySelector("[name='w']");
    if (!item || row.querySelector(`[data-key="${event.key}"]`)) return;
    event.preventDefault();
    const id = item.value.split(".")[0];
    const root = row.closest("[data-work-url]").dataset;
    const address = event.key === "t" ? `${root.touchUrl}?item=${id}` : `${root.workUrl.replace("0", id)}${WAYS[event.key]}`;
    htmx.ajax("GET", address, { source: row, target: "#dialog", swap: "innerHTML" });
  });
})();
