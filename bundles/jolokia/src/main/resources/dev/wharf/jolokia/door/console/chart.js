// Numbers over time as lines, drawn as SVG.

const SVG = "http://www.w3.org/2000/svg";
const MOST = 60;

/** The last minutes of one container. */
export class Series {
  #last = null;
  points = [];

  /** Takes what the kernel counted until now; rates come out of two of them. */
  add(count, at) {
    const last = this.#last;
    this.#last = { count, at };
    if (last === null || at <= last.at) return;
    const seconds = (at - last.at) / 1000;
    const rate = key => Math.max(0, count[key] - last.count[key]) / seconds;
    this.points.push({
      cpu: rate("CpuTotalNanos") / 1e7,
      memory: count.MemoryUsageBytes,
      received: rate("NetworkReceivedBytes"),
      sent: rate("NetworkSentBytes"),
    });
    if (this.points.length > MOST) this.points.shift();
  }

  get now() {
    return this.points.at(-1) ?? null;
  }
}

/** An empty drawing; `label` is read to those who do not see it. */
export function drawing(kind, label) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", kind);
  svg.setAttribute("viewBox", `0 0 ${MOST - 1} 100`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  return svg;
}

/** Draws one line for each of `keys`, from 0 up to the greatest value there is, or to `least`. */
export function draw(svg, points, keys, least, label) {
  const top = Math.max(least, ...points.flatMap(p => keys.map(key => p[key])));
  keys.forEach((key, i) => {
    let path = svg.children[i];
    if (path === undefined) {
      path = document.createElementNS(SVG, "path");
      path.setAttribute("class", i === 0 ? "line" : "second");
      svg.append(path);
    }
    const x = MOST - points.length;
    path.setAttribute("d", points.map((p, j) =>
      `${j === 0 ? "M" : "L"}${x + j} ${(98 - 94 * p[key] / top).toFixed(1)}`).join(""));
  });
  svg.setAttribute("aria-label", label);
}

export function bytes(n) {
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (n < 1024) return `${n < 10 && unit !== "B" ? n.toFixed(1) : Math.round(n)} ${unit}`;
    n /= 1024;
  }
  return `${n.toFixed(1)} TiB`;
}
