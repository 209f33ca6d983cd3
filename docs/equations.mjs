// Reads the documentation that `cargo doc` made and has KaTeX typeset every equation in it, as the
// browser will see it after rustdoc's Markdown; ends with 1 if one does not parse.
// node docs/equations.mjs target/doc/reluscape KATEX_FOLDER
import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [root, folder] = process.argv.slice(2);
const { default: katex } = await import(pathToFileURL(resolve(folder, "dist/katex.mjs")));

const pages = readdirSync(root, { recursive: true }).filter(
  (name) => name.endsWith(".html") && !name.startsWith("src/"),
);
const text = (html) =>
  html
    .replaceAll(/<pre[^>]*>[\s\S]*?<\/pre>|<code>[\s\S]*?<\/code>/g, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&#39;", "'")
    .replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&");

const seen = new Map();
for (const page of pages) {
  const body = readFileSync(join(root, page), "utf8").split("<body").slice(1).join("<body");
  for (const [, html] of body.matchAll(/\$\$([\s\S]*?)\$\$/g)) seen.set(html, page);
}
let bad = 0;
for (const [html, page] of seen) {
  try {
    if (/<[a-z/]/.test(html)) throw new Error("Markdown made markup of it");
    katex.renderToString(text(html), { displayMode: true, throwOnError: true, strict: "error" });
  } catch (error) {
    bad += 1;
    console.error(`${page}: ${error.message}\n${html}\n`);
  }
}
const modules = new Set([...seen.values()]).size;
console.log(`${seen.size} equations on ${modules} pages, ${bad} that KaTeX refuses`);
process.exit(bad || seen.size === 0 ? 1 : 0);
