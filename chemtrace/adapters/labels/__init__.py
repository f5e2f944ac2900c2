"""Labels drawn: PNG pictures, SVG, PDF sheets, ZPL for thermal printers, bare QR codes."""

from chemtrace.adapters.labels.pdf import render_pdf_sheet
from chemtrace.adapters.labels.png import render_png
from chemtrace.adapters.labels.qr import render_qr_png
from chemtrace.adapters.labels.svg import render_svg
from chemtrace.adapters.labels.zpl import render_zpl

__all__ = ["render_pdf_sheet", "render_png", "render_qr_png", "render_svg", "render_zpl"]
