// How the page writes: nodes are made once and written in place, and only when what they say has
// changed, so that a second costs the browser nothing when nothing moved. Text goes in as text;
// nothing here or elsewhere is ever parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

function byId(id) {
  return document.getElementById(id);
}

/** Make an element; children are elements or strings. */
function make(name, className, ...children) {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

/** Make a table's cell whose role survives that the style lays tables out as grids. */
function makeCell(name, className, ...children) {
  const cell = make(name, className, ...children);
  if (name === "th") {
    cell.scope = "row";
    cell.setAttribute("role", "rowheader");
  } else {
    cell.setAttribute("role", "cell");
  }
  return cell;
}

/** Return a function that writes a text at the end of a node. */
function textIn(node) {
  const text = document.createTextNode("");
  node.append(text);
  return (value) => {
    if (text.data !== value) text.data = value;
  };
}

/** Set an attribute; null removes it. */
function setAttribute(node, name, value) {
  if (node.getAttribute(name) === value) return;
  if (value === null) node.removeAttribute(name);
  else node.setAttribute(name, value);
}

function setHidden(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}

/** Make the shape that goes with a state's word; return it and the function that changes it. */
function makeIcon() {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return [svg, (state) => setAttribute(use, "href", `#i-${state}`)];
}

/**
 * Give a node exactly these children in this order. What goes, goes first, so that what stays is
 * not moved: a link that is moved loses the focus.
 */
function setChildren(node, children) {
  const now = node.childNodes;
  if (now.length === children.length && children.every((child, i) => child === now[i])) return;
  const wanted = new Set(children);
  for (const child of Array.from(now)) if (!wanted.has(child)) child.remove();
  let place = node.firstChild;
  for (const child of children) {
    if (child === place) place = place.nextSibling;
    else node.insertBefore(child, place);
  }
}
