// A line of rates, drawn on a canvas in the colour of its element.

export function spark(canvas, samples, [width, height], color) {
  const ratio = window.devicePixelRatio || 1;
  if (!width) return;
  // It grows from the right as samples come.
  const rates = samples.filter((rate) => !Number.isNaN(rate));
  // A canvas costs much when it is first drawn on, and most names of many never show a line.
  if (rates.length < 2 && !canvas.isUsed) return;
  canvas.isUsed = true;
  if (canvas.width !== Math.round(width * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext('2d');
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  if (rates.length < 2) return;
  const top = Math.max(1, ...rates);
  const step = width / (samples.length - 1);
  const left = width - (rates.length - 1) * step;
  const y = (rate) => height - 1.5 - (rate / top) * (height - 4);
  pen.beginPath();
  rates.forEach((rate, at) => pen.lineTo(left + at * step, y(rate)));
  pen.strokeStyle = color;
  pen.lineWidth = 1.25;
  pen.lineJoin = 'round';
  pen.stroke();
  pen.lineTo(width, height);
  pen.lineTo(left, height);
  pen.globalAlpha = 0.14;
  pen.fillStyle = color;
  pen.fill();
  pen.globalAlpha = 1;
}
