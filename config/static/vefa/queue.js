// The queue: it draws itself again every minute unless the reader is acting, and a few keys beside those of every list.
(() => {
  "use strict";
  const EVERY = 60000;
  const CALM = 5000;
  const list = () => document.getElementById("queue");
  let drawn = Date.now();
  let acted = 0;

  ["keydown", "pointerdown", "input", "wheel", "touchmove"].forEach((what) => document.addEventListener(what, () => { acted = Date.now(); }, { passive: true }));

  // on a narrow screen the tabs run on to the side: the one that is open stands in sight
  function inSight() {
    const tabs = document.getElementById("queue-tabs");
    const open = tabs?.querySelector("[aria-current]");
    if (open) tabs.scrollLeft += Math.max(0, open.getBoundingClientRect().right - tabs.getBoundingClientRect().right);
  }
  inSight();
  document.addEventListener("htmx:afterSettle", inSight);

  // a hand on the mouse, an open menu or dialog, words being typed or marked: the list waits
  function busy() {
    const at = document.activeElement;
    return document.hidden || Date.now() - acted < CALM || document.querySelector("dialog[open], details[data-menu][open], .htmx-request")
      || at?.matches("input:not([type='checkbox']):not([type='hidden']), textarea, select") || String(getSelection());
  }

  function refresh() {
    if (!list() || !window.htmx) return;
    drawn = Date.now();
    htmx.trigger(list(), "queue-refresh");
  }

  setInterval(() => { if (Date.now() - drawn >= EVERY && !busy()) refresh(); }, 1000);
  document.body.addEventListener("ticket-changed", refresh);

  // after a ticket was taken the list shows it; a refusal is said
  document.body.addEventListener("htmx:afterRequest", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (requestConfig?.verb !== "post" || !event.target.closest?.("#queue")) return;
    if (xhr.status === 409 || xhr.status === 422) document.body.dispatchEvent(new CustomEvent("toast", { detail: { text: list().dataset.stale } }));
    refresh();
  });

  // the current row is the same ticket after the list was drawn again, wherever it stands now
  let current = "";
  let focused = false;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target?.id !== "queue") return;
    const row = list().querySelector("[data-row][aria-current='true']");
    current = row ? row.id : "";
    focused = Boolean(row) && row.contains(document.activeElement);
  });
  document.addEventListener("htmx:afterSwap", () => {
    const row = current && document.getElementById(current);
    current = "";
    if (!row || row.hasAttribute("aria-current")) return;
    row.setAttribute("aria-current", "true");
    if (focused) row.focus({ preventScroll: true });
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
    if (event.target.closest("input:not([type='checkbox']), textarea, select, dialog[open]")) return;
    const act = event.key === "c" ? document.querySelector("[data-new]")
      : event.key === "Enter" && event.target.matches("#queue [data-row]") ? event.target.querySelector("[data-open]") : null;
    if (!act) return;
    event.preventDefault();
    act.click();
  });
})();
