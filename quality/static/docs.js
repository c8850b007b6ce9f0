// Draws the list of reports from reports.js, one call of report() per delivery, newest last.
(function () {
  "use strict";
  var shown = 400;
  var latest = new Map();
  (window.deskReports || []).forEach(function (r) { latest.delete(r.report_id); latest.set(r.report_id, r); });
  var all = Array.from(latest.values()).reverse();
  var body = document.getElementById("reports");
  var find = document.getElementById("find");
  var failed = document.getElementById("failed");

  function cell(row, text, kind) {
    var td = row.insertCell();
    td.textContent = text;
    if (kind) { td.className = kind; }
    return td;
  }
  function sessions(r) {
    return r.first_session === r.last_session ? r.first_session : r.first_session + " to " + r.last_session;
  }
  function line(r) {
    var row = body.insertRow();
    cell(row, r.recorded_at.slice(0, 16).replace("T", " ") + " UTC");
    cell(row, r.suite.replace(/_/g, " "));
    var link = document.createElement("a");
    link.href = r.path;
    link.textContent = sessions(r);
    cell(row, "").appendChild(link);
    cell(row, r.rows.toLocaleString("en-US"), "number");
    cell(row, r.held.toLocaleString("en-US"), "number" + (r.held ? " bad" : ""));
    cell(row, r.passed + " of " + r.expectations, "number");
    cell(row, r.held ? "held back " + r.held : r.passed < r.expectations ? "passed with warnings" : "passed",
      r.held ? "bad" : r.passed < r.expectations ? "warn" : "good");
  }
  function draw() {
    var text = find.value.trim().toLowerCase();
    var chosen = all.filter(function (r) {
      var words = [r.suite.replace(/_/g, " "), r.suite, sessions(r), r.run_id].join(" ").toLowerCase();
      return (!failed.checked || r.passed < r.expectations) && words.indexOf(text) >= 0;
    });
    body.textContent = "";
    chosen.slice(0, shown).forEach(line);
    document.getElementById("more").textContent = chosen.length > shown
      ? "The newest " + shown + " of " + chosen.length.toLocaleString("en-US") + " are shown. Find narrows the list." : "";
  }
  var held = all.reduce(function (sum, r) { return sum + r.held; }, 0);
  document.getElementById("none").hidden = all.length > 0;
  document.getElementById("totals").textContent = all.length
    ? all.length.toLocaleString("en-US") + (all.length === 1 ? " delivery" : " deliveries") + " judged, "
      + held.toLocaleString("en-US") + (held === 1 ? " verdict" : " verdicts") + " held back." : "";
  find.addEventListener("input", draw);
  failed.addEventListener("change", draw);
  draw();
})();
