"""Makes a copy of LiteRT that uses AVX2 on a processor with AVX-512, so that both sides can be measured at AVX2.

    python bench/litert_avx2.py FOLDER
    PYTHONPATH=FOLDER python bench/emoji.py …

XNNPACK, LiteRT's default, chooses its kernels by `cpuinfo` and has no setting for it. `cpuinfo` uses AVX-512 only where the instruction
`xgetbv` says that the operating system saves its registers. In the copy this instruction is replaced by `mov al, 7; nop`: the system
saves those of SSE and AVX alone. `perf` then shows `xnn_qu8_gemm_minmax_fp32_ukernel_3x8c8__avx2` instead of `…7x16c8__avx512skx`.
"""

import shutil
import sys
from pathlib import Path

import ai_edge_litert

# xor ecx, ecx; xgetbv; movd xmm1, eax; not eax: in `cpuinfo_x86_detect_isa` of ai-edge-litert 2.3.0.
FOUND = bytes.fromhex("31c9 0f01d0 660f6ec8 f7d0")
REPLACED = bytes.fromhex("31c9 b00790 660f6ec8 f7d0")


def main():
    package = Path(ai_edge_litert.__file__).parent
    copy = Path(sys.argv[1]) / package.name
    shutil.copytree(package, copy)
    library = copy / "libpywrap_litert_common.so"
    content = library.read_bytes()
    if content.count(FOUND) != 1:
        sys.exit("error: this version of LiteRT has other instructions\nhint: pip install ai-edge-litert==2.3.0")
    library.write_bytes(content.replace(FOUND, REPLACED))


if __name__ == "__main__":
    main()
