"""The report in a real browser: it runs without a word, draws and sorts.

Usage: report_browser_test.py PROGRAM
"""

import re
import shutil
import subprocess
import unittest

from report_runs import ReportCase, make_run

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


@unittest.skipUnless(BROWSER, "needs chromium or google-chrome")
class ReportBrowserTest(ReportCase):
    def test_curves_are_drawn_and_tables_sort_in_a_browser(self):
        self.report(*[make_run(self.place, f"r{seed}", seed)
                      for seed in (2, 3, 1)])
        probe = """<script>addEventListener("load", () => {
          const table = [...document.querySelectorAll("table")].find(t =>
            t.tHead.textContent.includes("wall time"));
          const column = () => [...table.tBodies[0].rows].map(r =>
            r.cells[2].textContent).join("");
          const orders = [column()];
          for (let i = 0; i < 2; i++) {
            table.tHead.rows[0].cells[2].click();
            orders.push(column());
          }
          const curve = document.querySelector("figure svg path[clip-path], " +
            "figure svg g[clip-path] path");
          const box = curve.getBoundingClientRect();
          document.title = "probe " + orders.join(" ") + " " +
            (box.width > 100 && curve.getAttribute("d").length > 20);
        });</script>"""
        self.out.write_text(self.text.replace("</body>", probe + "</body>"))
        result = subprocess.run(
            [BROWSER, "--headless", "--no-sandbox", "--disable-gpu",
             f"--user-data-dir={self.place}/profile", "--dump-dom",
             self.out.as_uri()], capture_output=True, text=True, timeout=60)
        found = re.search("<title>probe (.*?)</title>", result.stdout)
        self.assertTrue(found, result.stderr[-500:])
        first, *sorted_orders, drawn = found[1].split()
        self.assertEqual((sorted(sorted_orders), drawn),
                         (["123", "321"], "true"))

    def test_browser_runs_it_without_a_word(self):
        self.report(make_run(self.place, "r1"), make_run(self.place, "r2", 2))
        for width in (390, 1280):
            result = subprocess.run(
                [BROWSER, "--headless", "--no-sandbox", "--disable-gpu",
                 "--enable-logging=stderr", f"--window-size={width},900",
                 f"--user-data-dir={self.place}/profile", "--dump-dom",
                 self.out.as_uri()], capture_output=True, text=True,
                timeout=60)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertNotIn("CONSOLE", result.stderr)
            self.assertIn("clip-path", result.stdout)  # the script ran


if __name__ == "__main__":
    unittest.main()
