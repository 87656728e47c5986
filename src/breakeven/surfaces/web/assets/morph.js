// Makes one element equal to another, keeping the nodes that are already there: focus, scroll and open details stay.
// Elements with data-keep belong to the page's scripts and are left alone.

export function morph(old, wanted) {
  attributes(old, wanted);
  let at = old.firstChild;
  for (const next of [...wanted.childNodes]) {
    const same = at && match(at, next) ? at : find(at, next);
    if (!same) {
      old.insertBefore(next, at);
      continue;
    }
    if (same !== at) old.insertBefore(same, at);
    else at = at.nextSibling;
    if (same.nodeType !== Node.ELEMENT_NODE) {
      if (same.nodeValue !== next.nodeValue) same.nodeValue = next.nodeValue;
    } else if (!same.hasAttribute("data-keep")) {
      morph(same, next);
    }
  }
  while (at) {
    const after = at.nextSibling;
    at.remove();
    at = after;
  }
}

function match(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && (one.id ?? "") === (other.id ?? "");
}

// A node further on that has the id of the wanted one.
function find(from, wanted) {
  if (!wanted.id) return null;
  for (let node = from; node; node = node.nextSibling) if (match(node, wanted)) return node;
  return null;
}

function attributes(old, wanted) {
  // Whether details are open is the reader's choice once they are on the page.
  const readers = (name) => name === "open" && old.nodeName === "DETAILS";
  for (const { name, value } of [...wanted.attributes]) {
    if (!readers(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!wanted.hasAttribute(name) && !readers(name)) old.removeAttribute(name);
  }
}
