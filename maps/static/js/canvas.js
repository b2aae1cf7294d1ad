// One canvas of ours in a pane of the map: redrawn when the map rests, scaled by Leaflet while it zooms.
// Built on Leaflet's renderer (1.9.4, pinned), which keeps the canvas in place.

const { L } = window;

export const CanvasLayer = L.Renderer.extend({
  initialize(pane, draw) {
    L.Renderer.prototype.initialize.call(this, { pane, padding: 0.15 });
    this._draw = draw;
  },

  _initContainer() {
    this._container = document.createElement("canvas");
    this._ctx = this._container.getContext("2d");
  },

  _updatePaths() {},

  _destroyContainer() {
    this._container.remove();
    this._container = null;
  },

  _update() {
    if (this._map._animatingZoom && this._bounds) return;
    L.Renderer.prototype._update.call(this);
    const size = this._bounds.getSize();
    const ratio = window.devicePixelRatio || 1;
    L.DomUtil.setPosition(this._container, this._bounds.min);
    Object.assign(this._container, { width: size.x * ratio, height: size.y * ratio });
    Object.assign(this._container.style, { width: `${size.x}px`, height: `${size.y}px` });
    this._ctx.scale(ratio, ratio);
    this._ctx.translate(-this._bounds.min.x, -this._bounds.min.y);
    this._draw(this._ctx, this._bounds, this._map);
    this.fire("update");
  },

  redraw() {
    if (this._map) this._update();
    return this;
  },
});

// Leaflet's own canvas for lines and areas, able to hatch what is unknown, and to fill areas that lie over each other as
// one: `flat` ones first take away what is under them, so that ten of them are no stronger than one.
export const AreaCanvas = L.Canvas.extend({
  _fillStroke(ctx, layer) {
    const { hatch, flat, fill, fillRule } = layer.options;
    if (hatch) {
      ctx.globalAlpha = 1;
      ctx.fillStyle = hatch(ctx);
      ctx.fill("evenodd");
    }
    if (flat && fill) {
      Object.assign(ctx, { globalAlpha: 1, globalCompositeOperation: "destination-out" });
      ctx.fill(fillRule || "evenodd");
      ctx.globalCompositeOperation = "source-over";
    }
    L.Canvas.prototype._fillStroke.call(this, ctx, layer);
  },
});
