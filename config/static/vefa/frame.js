// The frame: toasts, dialogs that hold fragments, menus, the switch of theme and density.
(() => {
  "use strict";
  const body = document.body;
  const toasts = document.getElementById("toasts");

  // ── Toasts: say what happened; with an address to take it back for ten seconds ──
  function button(text, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", act);
    return made;
  }

  function toast({ text, undo, stay }) {
    const made = document.createElement("div");
    made.className = "toast";
    made.dataset.toast = stay ? "stay" : "";
    const said = document.createElement("span");
    said.textContent = text;
    made.append(said);
    if (undo) {
      made.append(button(body.dataset.undo, () => {
        made.remove();
        htmx.ajax("POST", undo, { source: body, swap: "none" });
      }));
    }
    const close = button("×", () => made.remove());
    close.setAttribute("aria-label", body.dataset.dismiss);
    made.append(close);
    toasts.append(made);
    leave(made);
  }

  // a toast under the pointer or with the focus stays
  function leave(made) {
    if (made.dataset.leaving || made.dataset.toast === "stay") return;
    made.dataset.leaving = "1";
    const wait = () => setTimeout(() => (made.matches(":hover, :focus-within") ? wait() : made.remove()), 10000);
    wait();
  }

  new MutationObserver(() => toasts.querySelectorAll("[data-toast]").forEach(leave)).observe(toasts, { childList: true });
  toasts.querySelectorAll("[data-toast]").forEach(leave);
  body.addEventListener("toast", (event) => toast(event.detail.text ? event.detail : { text: event.detail.value }));
  body.addEventListener("htmx:responseError", (event) => toast({ text: event.detail.xhr.getResponseHeader("X-Reason") || body.dataset.error }));
  body.addEventListener("htmx:sendError", () => toast({ text: body.dataset.offline }));

  // ── A panel that did not load offers to try again ──
  body.addEventListener("htmx:responseError", (event) => {
    const panel = event.detail.elt.closest("[data-panel]");
    const sorry = panel && panel.querySelector("[data-failed]");
    if (!sorry) return;
    panel.querySelectorAll("[data-loading]").forEach((waits) => { waits.hidden = true; });
    sorry.hidden = false;
  });
  document.addEventListener("click", (event) => {
    const again = event.target.closest("[data-retry]");
    const panel = again && again.closest("[data-panel]");
    if (!panel) return;
    event.preventDefault();
    panel.querySelectorAll("[data-loading]").forEach((waits) => { waits.hidden = false; });
    panel.querySelectorAll("[data-failed]").forEach((sorry) => { sorry.hidden = true; });
    htmx.trigger(panel, "retry");
  });

  // ── Dialog and drawer: whatever is swapped into one opens it ──
  const opener = new WeakMap();
  body.addEventListener("htmx:beforeRequest", (event) => {
    const target = event.detail.target;
    if (target instanceof HTMLDialogElement && !target.open) opener.set(target, document.activeElement);
  });
  body.addEventListener("htmx:afterSwap", (event) => {
    const target = event.detail.target;
    if (!(target instanceof HTMLDialogElement)) return;
    if (!target.childElementCount) return void target.close();
    const heading = target.querySelector("h1, h2");
    if (heading) {
      heading.id ||= `${target.id}-heading`;
      target.setAttribute("aria-labelledby", heading.id);
    }
    if (!target.open) target.showModal();
    const first = target.querySelector("[autofocus], [aria-invalid='true'], input:not([type='hidden']), select, textarea");
    if (first) first.focus();
  });
  document.querySelectorAll("dialog").forEach((dialog) => {
    dialog.addEventListener("click", (event) => {
      // a press on the backdrop is a press on the dialog itself, outside of its box
      const box = dialog.getBoundingClientRect();
      const outside = event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
      if (event.target === dialog && outside && event.detail > 0) dialog.close();
    });
    dialog.addEventListener("close", () => {
      if (dialog.hasAttribute("data-keep")) return;
      dialog.replaceChildren();
      const back = opener.get(dialog);
      if (back && back.isConnected) back.focus();
    });
  });
  body.addEventListener("close-dialog", () => document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close()));

  document.addEventListener("click", (event) => {
    const at = event.target.closest("[data-close], [data-dismiss], [data-open-dialog], [data-menu]");
    document.querySelectorAll("details[data-menu][open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    if (!at) return;
    if (at.matches("[data-close]")) {
      event.preventDefault();
      at.closest("dialog")?.close();
    } else if (at.matches("[data-dismiss]")) {
      at.closest("[data-toast]")?.remove();
    } else if (at.matches("[data-open-dialog]")) {
      document.getElementById(at.dataset.openDialog)?.showModal();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details[data-menu][open]").forEach((menu) => {
      const inside = menu.contains(document.activeElement);
      menu.open = false;
      if (inside) menu.querySelector("summary").focus();
    });
  });

  // ── Theme and density: at once, and remembered by the server ──
  document.querySelectorAll("form[data-prefs]").forEach((form) => {
    form.addEventListener("submit", (event) => {
      const pressed = event.submitter;
      if (!pressed) return;
      event.preventDefault();
      const root = document.documentElement;
      const dark = matchMedia("(prefers-color-scheme: dark)").matches;
      let value = pressed.value;
      // from "as the system" the first press turns to the other of the two
      if (pressed.name === "theme" && !root.dataset.theme) value = dark ? "light" : "dark";
      root.dataset[pressed.name] = value;
      const sent = new FormData(form);
      sent.set(pressed.name, value);
      sent.delete("next");
      fetch(form.action, { method: "POST", body: sent, headers: { "HX-Request": "true" } }).catch(() => toast({ text: body.dataset.offline }));
      const both = pressed.name === "theme" ? ["light", "dark"] : ["comfortable", "compact"];
      pressed.value = both.find((one) => one !== value);
    });
  });

  // ── A select or a check box that filters at once; without script there is a button ──
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });
  document.documentElement.classList.add("js");
})();
