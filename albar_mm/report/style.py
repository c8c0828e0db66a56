"""The style sheet of the page: light and dark, 400 px to 1600 px, and paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #17202b; --soft: #5b6775; --faint: #8a95a1;
  --rule: #e3e7ec; --grid: #e8ebef; --accent: #1c6e3d; --accent-soft: #e7f4ec;
  --bad: #a32218; --bad-soft: #fdecea; --warn: #7a5200; --warn-soft: #fdf3dd;
  --paper: #4a4f8f; --paper-soft: #eeeffa;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10151b; --card: #181f27; --ink: #e8ecf1; --soft: #a5b0bc; --faint: #7d8894;
    --rule: #2b343e; --grid: #27303a; --accent: #6fd197; --accent-soft: #17301f;
    --bad: #ff9d92; --bad-soft: #3a1a18; --warn: #f1c46b; --warn-soft: #33280f;
    --paper: #b3b8f5; --paper-soft: #20233d;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans",
    "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
main { max-width: 1240px; margin: 0 auto; padding: 32px clamp(14px, 3vw, 32px) 48px; }
h1 { font-size: clamp(1.45rem, 3.2vw, 2rem); line-height: 1.2; margin: 0 0 6px;
  letter-spacing: -.01em; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 40px 0 4px; }
h3 { font-size: 1rem; margin: 26px 0 4px; }
p { margin: 4px 0 12px; max-width: 78ch; }
.lead, .hint { color: var(--soft); }
.hint { font-size: .875rem; }
.tiles { display: grid; gap: 12px; margin: 22px 0 8px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 210px), 1fr)); }
.tile, .panel, .block { background: var(--card); border: 1px solid var(--rule);
  border-radius: 10px; }
.tile { padding: 14px 16px; }
.tile b { display: block; font-size: 1.55rem; line-height: 1.2; font-weight: 650;
  letter-spacing: -.01em; }
.tile span { color: var(--soft); font-size: .84rem; display: block; }
.tile.good { background: var(--accent-soft); border-color: transparent; }
.tile.good b { color: var(--accent); }
.tile.bad { background: var(--bad-soft); border-color: transparent; }
.tile.bad b { color: var(--bad); }
.box { border-radius: 10px; padding: 12px 16px; margin: 14px 0; border-left: 5px solid; }
.box h2, .box h3 { margin: 0 0 4px; font-size: 1rem; }
.box ul { margin: 0; padding-left: 1.1em; }
.box.bad { background: var(--bad-soft); border-color: var(--bad); }
.box.bad h2 { color: var(--bad); }
.box.warn { background: var(--warn-soft); border-color: var(--warn); }
.box.warn h2 { color: var(--warn); }
.block { overflow-x: auto; margin: 10px 0; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: 9px 14px; text-align: right; white-space: nowrap;
  border-top: 1px solid var(--rule); }
thead th { border-top: 0; color: var(--soft); font-weight: 600; font-size: .84rem;
  vertical-align: bottom; white-space: normal; overflow-wrap: normal; }
th:first-child, td.text, th.text { text-align: left; }
tbody th { font-weight: 600; white-space: normal; min-width: 8em; overflow-wrap: anywhere; }
td.wide { white-space: normal; }
td small { color: var(--soft); font-size: .8em; }
td.best { font-weight: 700; }
td.best > span { border-bottom: 2px solid currentColor; padding-bottom: 1px; }
.hl { background: var(--accent-soft); }
thead th.hl, td.hl.best { color: var(--accent); }
td.odd { color: var(--bad); }
.swatch { display: inline-block; width: .72em; height: .72em; border-radius: 3px;
  margin-right: .55em; }
.grid-2 { display: grid; gap: 0 16px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 500px), 1fr)); }
.grid-2 th, .grid-2 td { padding: 8px 9px; }
.grid-2 thead th:first-child { color: var(--ink); font-size: .95rem; }
.panels { display: grid; gap: 14px; margin: 12px 0;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 300px), 1fr)); }
.panel { padding: 14px 16px 10px; min-width: 0; margin: 0; }
.panel.hl { border-color: transparent; }
.panel figcaption { font-weight: 650; margin-bottom: 6px; }
.panel figcaption span { color: var(--soft); font-weight: 400; font-size: .84rem;
  display: block; }
svg { display: block; width: 100%; height: auto; max-width: 420px; overflow: visible; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans",
  sans-serif; fill: var(--ink); font-variant-numeric: tabular-nums; }
svg .tick { font-size: 10.5px; fill: var(--faint); }
svg .class { font-size: 11px; fill: var(--soft); }
svg .value { font-size: 12px; font-weight: 500; paint-order: stroke; stroke: var(--card);
  stroke-width: 3px; stroke-linejoin: round; }
.panel.hl svg .value { stroke: var(--accent-soft); }
svg .value.best { font-weight: 700; }
svg .value.inverted { fill: var(--bad); }
svg .grid { stroke: var(--grid); }
svg .chance { stroke: var(--ink); stroke-dasharray: 4 3; }
svg .whisker { stroke: var(--ink); stroke-width: 1.4; }
svg .seed { fill: var(--card); stroke: var(--ink); stroke-width: 1; }
svg .link { stroke-width: 3; opacity: .45; }
svg .link.inverted { stroke-dasharray: 3 2; }
svg .scufo { fill: var(--card); stroke-width: 2; }
.published { border-top: 3px solid var(--paper); margin-top: 44px; padding-top: 4px; }
.published h2 { color: var(--paper); margin-top: 16px; }
.tag { font-size: .75rem; font-weight: 600; color: var(--paper); background: var(--paper-soft);
  border-radius: 99px; padding: 2px 10px; display: inline-block; }
.published .hl { background: none; }
.published thead th.hl { color: var(--soft); }
details { margin: 10px 0; }
summary { cursor: pointer; color: var(--soft); font-weight: 600; }
dl { margin: 8px 0; } dt { font-weight: 600; margin-top: 8px; }
dd { margin: 0; color: var(--soft); font-size: .875rem; }
footer { margin-top: 44px; padding-top: 14px; border-top: 1px solid var(--rule);
  color: var(--soft); font-size: .875rem; }
@media screen and (max-width: 719px) {
  .cards thead { display: none; }
  .cards, .cards tbody { display: block; }
  .cards tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(132px, 1fr));
    padding: 10px 6px; border-top: 1px solid var(--rule); }
  .cards tbody tr:first-child { border-top: 0; }
  .cards tbody th { grid-column: 1 / -1; }
  .cards th, .cards td, .grid-2 .cards th, .grid-2 .cards td { border: 0; text-align: left;
    padding: 4px 8px; white-space: normal; }
  .cards td::before { content: attr(data-label); display: block; color: var(--soft);
    font-size: .78rem; font-weight: 400; }
  .cards td.wide { grid-column: 1 / -1; }
  .cards td.hl { border-radius: 6px; }
}
@media print {
  :root { --page: #fff; --card: #fff; --ink: #000; --soft: #444; --faint: #666; --rule: #ccc;
    --grid: #ddd; --accent: #14532d; --accent-soft: #eaf5ee; --bad: #8f1d14; --bad-soft: #fdecea;
    --warn: #6b4800; --warn-soft: #fdf3dd; --paper: #333a7a; --paper-soft: #eeeffa;
    color-scheme: light; }
  body { font-size: 10.5pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { max-width: none; padding: 0; }
  .block { overflow: visible; } th, td { padding: 4px 7px; }
  .panel, .tile, .box, tr { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .panels { grid-template-columns: repeat(3, 1fr); }
  .grid-2 { grid-template-columns: 1fr; }
  details::details-content { content-visibility: visible; display: block; height: auto; }
}
"""
