// Draws the status page without a browser: reads a status as JSON, prints the text of each element by its id.
const fs = require("fs");

class Element {
  constructor() {
    this.children = [];
    this.dataset = {};
    this.classList = { toggle() {} };
    this.clientWidth = 400;
    this.text = "";
  }
  append(...children) { this.children.push(...children); }
  prepend(child) { this.children.unshift(child); }
  replaceChildren(...children) { this.children = children; }
  setAttribute() {}
  addEventListener() {}
  contains() { return false; }
  hasChildNodes() { return this.children.length > 0; }
  getBoundingClientRect() { return { left: 0, width: 400 }; }
  get textContent() { return this.text || this.children.map((child) => child.textContent ?? child).join(" "); }
  set textContent(text) { this.text = text; }
}

const elements = {};
global.document = {
  getElementById: (id) => (elements[id] ??= new Element()),
  createElement: () => new Element(),
  createElementNS: () => new Element(),
  addEventListener() {},
  body: new Element(),
  hidden: true,
};
global.getSelection = () => null;
global.location = { search: "", pathname: "/" };
global.addEventListener = () => {};
global.setInterval = () => {};
global.innerWidth = 400;

const [folder, ...scripts] = process.argv.slice(2);
const source = scripts.map((name) => fs.readFileSync(`${folder}/${name}`, "utf8")).join("\n");
new Function("status", `${source}\nshow(status);`)(JSON.parse(fs.readFileSync(0, "utf8")));
const texts = Object.entries(elements).map(([id, element]) => [id, element.textContent.replace(/\s+/g, " ").trim()]);
console.log(JSON.stringify(Object.fromEntries(texts)));
