import { useId } from "react";

import { path, type Sample } from "./series.ts";

const WIDTH = 320;
const HEIGHT = 96;

type ChartProps = {
  readonly title: string;
  readonly samples: readonly Sample[];
  readonly format: (value: number) => string;
};

function describe({ samples, format }: ChartProps): string {
  const last = samples.at(-1);
  if (last === undefined) return "nothing measured yet";
  const highest = Math.max(...samples.map((sample) => sample.value));
  return `now ${format(last.value)}, highest ${format(highest)} of ${samples.length} samples`;
}

/** A small line with its last value; the same in words for who cannot see it. */
export function Chart(props: ChartProps) {
  const id = useId();
  const highest = Math.max(0, ...props.samples.map((sample) => sample.value));
  const last = props.samples.at(-1);
  return (
    <figure className="chart">
      <figcaption id={id}>{props.title}</figcaption>
      <p className="figure">{last === undefined ? "–" : props.format(last.value)}</p>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-labelledby={id} aria-describedby={`${id}-words`}>
        <path className="grid" d={`M0 ${HEIGHT - 1}H${WIDTH}M0 1H${WIDTH}`} />
        <path className="line" d={path(props.samples, WIDTH, HEIGHT, highest)} />
      </svg>
      <p className="hint" id={`${id}-words`}>
        {describe(props)}
      </p>
    </figure>
  );
}
