// The ROI studio: a field says to assistive technology whether it was refused, after each answer of the server.
(() => {
  "use strict";
  document.body.addEventListener("htmx:afterRequest", () => {
    for (const field of document.querySelectorAll("#studio [aria-describedby^='state-']")) {
      const state = document.getElementById(field.getAttribute("aria-describedby"));
      if (state && state.querySelector(".error")) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
  });
})();
