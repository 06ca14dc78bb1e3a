// The keyboard. "/" and Ctrl-K search; in a [data-list] the letters work on the current [data-row]:
// j k move, o opens [data-open], x ticks the row's check box, every other letter presses [data-key="letter"].
// "?" presses [data-help] or opens the dialog #keys.
(() => {
  "use strict";
  const typing = (at) => at.closest("input:not([type='checkbox']), textarea, select, [contenteditable], dialog[open]");
  const rows = () => [...document.querySelectorAll("[data-list] [data-row]")].filter((row) => row.offsetParent);
  const current = () => document.querySelector("[data-list] [data-row][aria-current='true']");

  function stand(row) {
    current()?.removeAttribute("aria-current");
    row.setAttribute("aria-current", "true");
    if (!row.hasAttribute("tabindex")) row.tabIndex = -1;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(current());
    stand(all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + step))]);
  }

  document.addEventListener("keydown", (event) => {
    const search = document.querySelector("[data-search]");
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && search) {
      event.preventDefault();
      search.focus();
      search.select();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target === search) return inSearch(event, search);
    if (typing(event.target)) return;
    const key = event.key;
    if (key === "/" && search) {
      event.preventDefault();
      search.focus();
    } else if (key === "?") {
      const help = document.querySelector("[data-help]");
      const sheet = document.getElementById("keys");
      if (help) help.click();
      else if (sheet) sheet.showModal();
    } else if (key === "j" || key === "k") {
      move(key === "j" ? 1 : -1);
    } else if (/^[a-z]$/.test(key)) {
      const row = event.target.closest("[data-list] [data-row]") || current();
      if (!row) return;
      const act = key === "o" ? row.querySelector("[data-open]") || row.querySelector("a[href]")
        : key === "x" ? row.querySelector("input[type='checkbox']") : row.querySelector(`[data-key="${key}"]`);
      if (!act) return;
      event.preventDefault();
      act.click();
    }
  });

  // from the search field the arrows walk through what was found
  function inSearch(event, search) {
    if (event.key === "Escape") {
      search.blur();
    } else if (event.key === "ArrowDown") {
      const first = search.form.querySelector(".found a");
      if (first) {
        event.preventDefault();
        first.focus();
      }
    }
  }
  document.addEventListener("keydown", (event) => {
    const hit = event.target.closest?.(".found a");
    if (!hit || !["ArrowDown", "ArrowUp", "Escape"].includes(event.key)) return;
    event.preventDefault();
    const all = [...hit.closest(".found").querySelectorAll("a")];
    const next = event.key === "Escape" ? null : all[all.indexOf(hit) + (event.key === "ArrowDown" ? 1 : -1)];
    (next || document.querySelector("[data-search]")).focus();
  });

  // a row that was swapped away hands its place to its neighbour
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest?.("[data-list] [data-row]");
    if (row && row !== current()) {
      current()?.removeAttribute("aria-current");
      row.setAttribute("aria-current", "true");
    }
  });
  let place = -1;
  document.addEventListener("htmx:beforeSwap", () => { place = rows().indexOf(current()); });
  document.addEventListener("htmx:afterSettle", () => {
    if (place < 0 || current()) return;
    // who has gone on to type somewhere keeps the focus
    if (document.activeElement && typing(document.activeElement)) return;
    const all = rows();
    if (all.length && !document.querySelector("dialog[open]")) stand(all[Math.min(place, all.length - 1)]);
  });
})();
