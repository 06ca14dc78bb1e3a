// The page of one ticket: its keys, the draft of a reply, canned replies, and the clock of the handle time.
(() => {
  "use strict";
  const find = (choice) => document.querySelector(choice);
  const box = () => find("#id_body");
  const form = () => find("[data-draft]");
  const typing = (at) => at.closest("input:not([type='checkbox'], [type='radio']), textarea, select, [contenteditable], dialog[open]");

  // ── The draft: kept in this tab while it is typed, gone when the reply was sent ──
  function keep() {
    const text = box().value;
    try {
      if (text) sessionStorage.setItem(form().dataset.draft, JSON.stringify({ text, kind: form().elements.kind.value }));
      else sessionStorage.removeItem(form().dataset.draft);
    } catch { /* a full or forbidden store keeps nothing; the text still stands in the field */ }
  }

  function bringBack() {
    if (!form() || box().value) return;
    let kept = null;
    try {
      kept = JSON.parse(sessionStorage.getItem(form().dataset.draft));
    } catch { return; }
    if (!kept || !kept.text) return;
    box().value = kept.text;
    const kind = form().querySelector(`[data-kind="${kept.kind === "internal" ? "internal" : "public"}"]`);
    if (kind) kind.checked = true;
    find("[data-kept-note]").hidden = false;
  }

  document.addEventListener("input", (event) => {
    if (event.target !== box()) return;
    find("[data-kept-note]").hidden = true;
    keep();
    offer();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-kind]")) keep();
  });
  document.body.addEventListener("reply-sent", () => {
    try {
      sessionStorage.removeItem(form().dataset.draft);
    } catch { /* nothing was kept */ }
    find("#id_files").value = "";
  });

  // ── Canned replies: a menu, and /shortcut in the text ──
  const menu = () => find("#canned");
  const choices = () => [...menu().querySelectorAll("[data-canned]")];
  const shown = () => choices().filter((choice) => !choice.hidden);
  // the piece of text that a chosen reply takes the place of
  let token = null;

  function slash() {
    const field = box();
    const found = /(?:^|\s)(\/[\p{L}\p{N}_-]*)$/u.exec(field.value.slice(0, field.selectionStart));
    return found && { from: field.selectionStart - found[1].length, to: field.selectionStart, word: found[1].slice(1).toLowerCase() };
  }

  function filter(word) {
    choices().forEach((choice) => {
      choice.hidden = Boolean(word) && !choice.dataset.canned.startsWith(word) && !choice.textContent.toLowerCase().includes(word);
    });
    menu().querySelector(".none").hidden = shown().length > 0;
  }

  function offer() {
    if (!menu()) return;
    token = slash();
    if (!token) {
      if (menu().open) menu().open = false;
      return tell("");
    }
    filter(token.word);
    menu().open = true;
    tell(box().dataset.hint.replace("{n}", shown().length));
  }

  function tell(text) {
    const said = find("[data-canned-note]");
    if (said && said.textContent !== text) said.textContent = text;
  }

  function openMenu() {
    token = null;
    filter("");
    menu().open = true;
    choices()[0].focus();
  }

  function put(text) {
    const field = box();
    field.focus();
    if (token) field.setSelectionRange(token.from, token.to);
    token = null;
    // keeps the browser's own undo, where it still knows this
    if (!document.execCommand("insertText", false, text)) field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.scrollTop = 0;
  }

  document.addEventListener("htmx:afterSwap", (event) => {
    const taken = event.detail.target.id === "canned-text" && event.detail.target.querySelector("[data-canned-text]");
    if (!taken) return;
    menu().open = false;
    put(taken.textContent);
    const note = find("[data-missing-note]");
    note.textContent = taken.dataset.missing;
    note.hidden = !taken.dataset.missing;
    event.detail.target.replaceChildren();
    tell("");
  });

  function inBox(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form().requestSubmit(form().querySelector("button.primary"));
    } else if (menu()?.open && token) {
      if (event.key === "Enter" && token.word && shown().length) {
        event.preventDefault();
        shown()[0].click();
      } else if (event.key === "ArrowDown" && shown().length) {
        event.preventDefault();
        shown()[0].focus();
      } else if (event.key === "Escape") {
        event.stopImmediatePropagation();
        menu().open = false;
      }
    }
  }

  function inMenu(event) {
    if (!["ArrowDown", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    const all = shown();
    const next = all[all.indexOf(event.target.closest("[data-canned]")) + (event.key === "ArrowDown" ? 1 : -1)];
    (next || box()).focus();
  }

  // ── Keys, before those of the frame: "/" is the canned replies here ──
  function write(kind) {
    const radio = form()?.querySelector(`[data-kind="${kind}"]`);
    if (!radio) return false;
    radio.checked = true;
    box().focus();
    find("#reply").scrollIntoView({ block: "nearest" });
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.target === box()) return inBox(event);
    if (event.target.closest("#canned .menu-panel")) return inMenu(event);
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || find("dialog[open]")) return;
    let done = false;
    if (event.key === "r") done = write("public");
    else if (event.key === "n") done = write("internal");
    else if (event.key === "/" && menu()) {
      openMenu();
      done = true;
    } else if (/^[a-z]$/.test(event.key)) {
      const pressed = find(`[data-press="${event.key}"]`);
      if (pressed) {
        pressed.click();
        done = true;
      }
    }
    if (done) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }, true);

  // ── Handle time: counts from when the page was opened, into a field that a person sends ──
  let since = Date.now();
  let running = true;
  const kindOf = (channel) => (channel === "phone" || channel === "chat" ? channel : "written");
  const main = () => find("[data-timer] .field:not([hidden]) [data-main]");
  const two = (number) => String(number).padStart(2, "0");

  function spell(seconds) {
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor((seconds % 3600) / 60);
    return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
  }

  function seconds(text) {
    const parts = text.split(":").map(Number);
    if (parts.some(Number.isNaN)) return 0;
    return parts.length === 1 ? parts[0] * 60 : parts.reduce((sum, part) => sum * 60 + part, 0);
  }

  function drawRun() {
    const button = find("[data-timer-run]");
    if (!button) return;
    button.hidden = false;
    button.setAttribute("aria-pressed", String(running));
    const word = button.querySelector("span");
    word.textContent = running ? word.dataset.running : word.dataset.resting;
  }

  function drawClocks() {
    const timer = find("[data-timer]");
    if (!timer) return;
    const kind = kindOf(timer.elements.channel.value);
    timer.querySelectorAll("[data-for]").forEach((field) => { field.hidden = field.dataset.for !== kind; });
    if (main().value) running = false;
    drawRun();
    tick();
  }

  function tick() {
    if (running && main()) main().value = spell(Math.floor((Date.now() - since) / 1000));
  }

  document.addEventListener("input", (event) => {
    if (!event.target.matches("[data-timer] [data-main]")) return;
    running = false;
    drawRun();
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-timer] select")) return;
    const before = main();
    const value = before.value;
    before.value = "";
    event.target.form.querySelectorAll("[data-for]").forEach((field) => { field.hidden = field.dataset.for !== kindOf(event.target.value); });
    main().value = value;
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-timer-run]")) return;
    running = !running;
    if (running) since = Date.now() - seconds(main().value) * 1000;
    drawRun();
  });
  document.body.addEventListener("handling-noted", () => {
    since = Date.now();
    running = true;
  });
  setInterval(tick, 1000);

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target.id === "handling-in" || event.detail.elt.id === "handling-in") drawClocks();
    bringBack();
  });
  bringBack();
  drawClocks();

  // back to the queue as it was: its view, its filters, its page
  const back = find("[data-press='u']");
  if (back && document.referrer) {
    const from = new URL(document.referrer);
    if (from.origin === location.origin && from.pathname === back.pathname) back.href = from.href;
  }
})();
