// Opens a page as people would, and tells what is wrong with it.
//
// In: the path of Chromium, the path of the page, a folder for pictures (or -). Out: JSON on standard output, one entry
// for each width and colour scheme: the violations that axe-core finds, whether the page is wider than the window,
// what it asked for over the network, what the browser complained of, whether its style was taken.
// Fails as Chromium or playwright fail.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [browserPath, file, pictures] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const url = pathToFileURL(file).href;
const root = process.getuid() === 0;
const browser = await chromium.launch({ executablePath: browserPath, args: root ? ["--no-sandbox"] : [] });

async function opened(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const asked = [], complaints = [];
  page.on("request", (request) => request.url() === url || asked.push(request.url()));
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => { complaints.push("dialog"); dialog.dismiss(); });
  await page.goto(url);
  return { context, page, asked, complaints };
}

const told = [];
for (const [width, height] of [[1280, 900], [768, 1024], [360, 740]])
  for (const colorScheme of ["light", "dark"]) {
    const options = { viewport: { width, height }, colorScheme };
    const seen = await opened(options);
    const looks = await seen.page.evaluate(() => ({
      wider: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      background: getComputedStyle(document.body).backgroundColor,
      scripts: document.querySelectorAll("script, iframe, object, embed, [onerror], [onload]").length,
      images: document.querySelectorAll("img, link").length,
    }));
    if (pictures !== "-")
      await seen.page.screenshot({ path: `${pictures}/page-${width}-${colorScheme}.png`, fullPage: true });
    await seen.context.close();
    // A second time without the page's own policy, which rightly keeps axe out.
    const tested = await opened({ ...options, bypassCSP: true });
    await tested.page.addScriptTag({ content: axe });
    const found = await tested.page.evaluate(() => axe.run(document));
    await tested.context.close();
    const violations = found.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes[0].html.slice(0, 200)}`);
    told.push({ width, colorScheme, ...looks, asked: seen.asked, complaints: seen.complaints, violations,
      passed: found.passes.length });
  }
const { page } = await opened({});
const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: true,
  ...(pictures === "-" ? {} : { path: `${pictures}/page.pdf` }) });
await browser.close();
console.log(JSON.stringify({ looks: told, pages: (pdf.toString("latin1").match(/\/Type\s*\/Page\b/g) ?? []).length }));
