// Pictures drawn by Vega in the browser. Bundled with vega-embed by vl-convert: nothing is fetched.
// A picture whose description stays is given its new rows alone, which takes a tenth of the time.

const options = {
  actions: false,
  renderer: "svg",
  defaultStyle: false,
  loader: { load: () => Promise.reject(new Error("nothing is fetched")) },
};

function slot(board, name) {
  const figure = document.createElement("figure");
  figure.dataset.picture = name;
  figure.style.margin = "0 0 1rem";
  const title = document.createElement("figcaption");
  title.style.fontWeight = "bold";
  const drawn = document.createElement("div");
  drawn.setAttribute("role", "img");
  const says = document.createElement("p");
  says.style.margin = "0.25rem 0 0";
  figure.append(title, drawn, says);
  board.append(figure);
  return { figure, title, drawn, says, spec: null, view: null };
}

async function redraw(one, picture) {
  one.title.textContent = picture.title;
  one.says.textContent = picture.says;
  one.drawn.setAttribute("aria-label", picture.says);
  const tables = JSON.parse(picture.tables);
  if (one.spec === picture.spec) {
    for (const [table, rows] of Object.entries(tables)) {
      one.view.data(table, rows);
    }
    await one.view.runAsync();
    return;
  }
  one.view?.finalize();
  one.view = null;
  one.spec = null;
  if (!picture.spec) {
    one.drawn.innerHTML = picture.svg; // made and escaped by the kit
    fit(one.drawn);
    return;
  }
  const spec = { ...JSON.parse(picture.spec), datasets: tables };
  const embedded = await vegaEmbed(one.drawn, spec, options);
  one.view = embedded.view;
  one.spec = picture.spec;
  fit(one.drawn);
}

function fit(drawn) {
  const svg = drawn.querySelector("svg");
  if (svg) Object.assign(svg.style, { maxWidth: "100%", height: "auto" });
}

function render({ model, el }) {
  const slots = new Map();
  let drawing = Promise.resolve();
  const draw = async () => {
    const pictures = model.get("pictures");
    for (const [name, one] of slots) {
      if (!pictures.some((picture) => picture.name === name)) {
        one.view?.finalize();
        one.figure.remove();
        slots.delete(name);
      }
    }
    for (const picture of pictures) {
      if (!slots.has(picture.name)) slots.set(picture.name, slot(el, picture.name));
      await redraw(slots.get(picture.name), picture);
    }
    el.dataset.drawn = model.get("state");
  };
  const again = () => {
    drawing = drawing.then(draw).catch((error) => {
      el.dataset.failed = String(error);
    });
  };
  model.on("change:state", again);
  again();
  return () => {
    model.off("change:state", again);
    for (const one of slots.values()) one.view?.finalize();
  };
}

export default { render };
