// The ROI studio: what stands in the fields is what is saved, and a field says to assistive technology whether it was refused.
(() => {
  "use strict";
  // saving right after typing must not save what the server saw before
  document.addEventListener("submit", (event) => {
    const studio = document.getElementById("studio");
    const carried = document.getElementById(`carry-${event.target.id}`);
    if (studio && carried) carried.value = new URLSearchParams(new FormData(studio)).toString();
  });

  // back to live empties the field, so that nothing else that was typed is lost; without script it is a link
  document.addEventListener("click", (event) => {
    const back = event.target.closest("[data-back]");
    const field = back && document.getElementById(back.dataset.back);
    if (!field || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    field.value = "";
    field.focus();
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });

  document.body.addEventListener("htmx:afterRequest", () => {
    for (const field of document.querySelectorAll("#studio [aria-describedby^='state-']")) {
      const state = document.getElementById(field.getAttribute("aria-describedby"));
      if (state && state.querySelector(".error")) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
  });
})();
