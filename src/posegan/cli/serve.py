"""`posegan serve`: parse, load the models, print the address, serve until Ctrl-C."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from posegan.cli.detecting import add_detector_options, chosen_detector
from posegan.cli.parser import Parser, command_parser
from posegan.errors import UserError


def run(argv: Sequence[str]) -> None:
    """Serve the page on this machine."""
    chosen = _parser().parse_args(argv)
    try:
        from posegan.app.run import address_of, listen, open_browser, serve
        from posegan.app.server import create_app
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("posegan"):
            raise
        raise UserError(f"The page needs the package {error.name}: pip install 'posegan[web]'.") from error
    from posegan.app.studio import Studio, load_predictors
    from posegan.inference.finder import builtin

    with listen(chosen.host, chosen.port) as listener:  # first: models take seconds to load
        detector = chosen_detector(chosen) or builtin()
        app = create_app(Studio(load_predictors(chosen.weights or [], chosen.device)), detector, chosen.host)
        address = address_of(listener)
        print(f"posegan is at {address} (Ctrl-C stops it). Photos stay in its memory.", flush=True)
        if not chosen.no_browser:
            open_browser(address)
        serve(app, listener)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")
    return int(text)


def _parser() -> Parser:
    parser = command_parser(
        "serve", "A page in the browser: drag the joints, see the person move. Nothing is uploaded."
    )
    parser.add_argument(
        "--weights",
        nargs="+",
        metavar="W",
        help="bundled weights by name, .safetensors files or run folders; default: all that are bundled",
    )
    add_detector_options(parser)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; 0.0.0.0 lets other machines in (default: %(default)s)",
    )
    parser.add_argument("--port", type=_port, default=8765, help="0 takes any free one (default: %(default)s)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")
    return parser
