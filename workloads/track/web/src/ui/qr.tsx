import { encode } from "uqr";

/** A QR code as one path. The same text must stand beside it for who cannot point a camera at it. */
export function QrCode({ text }: { readonly text: string }) {
  const { data, size } = encode(text, { border: 2 });
  const squares = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : "")));
  return (
    <svg className="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label="The same as a QR code">
      <path d={squares.join("")} />
    </svg>
  );
}
