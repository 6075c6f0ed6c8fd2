/** What was measured over time, and its line. */

export type Sample = { readonly at: number; readonly value: number };

const KEPT = 120;

/** The series with one sample more; the oldest go. The same moment twice is one sample. */
export function append(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  if (samples.at(-1)?.at === sample.at) return samples;
  return [...samples, sample].slice(-KEPT);
}

/** The line as an SVG path: time from left to right, `highest` at the top. A single sample is a flat line. */
export function path(samples: readonly Sample[], width: number, height: number, highest: number): string {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined) return "";
  const span = last.at - first.at;
  const y = (value: number) => (height - 3 - (highest > 0 ? value / highest : 0) * (height - 6)).toFixed(1);
  if (span === 0) return `M0 ${y(first.value)}H${width}`;
  const points = samples.map((sample) => `${(((sample.at - first.at) / span) * width).toFixed(1)} ${y(sample.value)}`);
  return `M${points.join("L")}`;
}
