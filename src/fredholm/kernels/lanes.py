"""Matrix products in registers: the innermost loops of all kernels, as vector instructions of LLVM.

    product:  c[r, p] += Σ_k a[r, k] b[k, p]                    16 neighbouring p are a register
    outer:    d[r, s, p] += Σ_i y[r, 16 i + p] x[s, 16 i + p]   p = 0, ..., 15; sums over p are left for later

A core multiplies and adds two registers a cycle if a block of at least eight results stays in registers throughout the
loop. Compilers do not find that block, so LLVM is given the loop with it; it cuts vectors of 16 lanes into what the
machine has.

Arrays are runs of float32 addressed by offset and stride, in elements. Nothing is checked here.
"""

# mypy: disallow-untyped-defs=False

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 16

_INDEX, _FLOAT, _LANE = ir.IntType(64), ir.FloatType(), ir.IntType(32)
_VECTOR, _POINTER = ir.VectorType(_FLOAT, LANES), _FLOAT.as_pointer()
_ONCE_ROUNDED = ("contract",)  # a product and a sum may be one instruction


def product_of(rows, vectors):
    """The intrinsic for a block of `rows` x 16 `vectors` results; `depth`, the number of k, is at least 1."""
    block = [(r, v) for r in range(rows) for v in range(vectors)]

    def body(code, c, c_row, a, a_row, a_column, b, b_row, depth):
        def step(k, sums):
            right = [code.load(code.pointer(b, (k, b_row), (LANES, v))) for v in range(vectors)]
            left = [code.spread(code.pointer(a, (r, a_row), (k, a_column))) for r in range(rows)]
            return [code.add_product(s, left[r], right[v]) for (r, v), s in zip(block, sums, strict=True)]

        code.accumulate([code.pointer(c, (r, c_row), (LANES, v)) for r, v in block], depth, step)

    @intrinsic
    def product(typing, c, c_at, c_row, a, a_at, a_row, a_column, b, b_at, b_row, depth):
        arguments = (c, c_at, c_row, a, a_at, a_row, a_column, b, b_at, b_row, depth)
        return types.void(*arguments), _calling(f"product_{rows}_{vectors}", body)

    return product


def outer_of(rows, columns):
    """The intrinsic for a block of `rows` x `columns` results of 16 lanes; `blocks`, the number of i, is at least 1."""
    block = [(r, s) for r in range(rows) for s in range(columns)]

    def body(code, d, d_row, y, y_row, x, x_row, blocks):
        def step(i, sums):
            left = [code.load(code.pointer(y, (r, y_row), (LANES, i))) for r in range(rows)]
            right = [code.load(code.pointer(x, (s, x_row), (LANES, i))) for s in range(columns)]
            return [code.add_product(t, left[r], right[s]) for (r, s), t in zip(block, sums, strict=True)]

        code.accumulate([code.pointer(d, (r, d_row), (LANES, s)) for r, s in block], blocks, step)

    @intrinsic
    def outer(typing, d, d_at, d_row, y, y_at, y_row, x, x_at, x_row, blocks):
        arguments = (d, d_at, d_row, y, y_at, y_row, x, x_at, x_row, blocks)
        return types.void(*arguments), _calling(f"outer_{rows}_{columns}", body)

    return outer


def _calling(name, body):
    """Code of an intrinsic that calls `body`, a function of its own in the module: inlined, it would be compiled often.

    Of the intrinsic's arguments an array and the offset that follows it become a pointer.
    """

    def generate(context, builder, signature, arguments):
        operands, remaining = [], iter(zip(signature.args, arguments, strict=True))
        for kind, value in remaining:
            if isinstance(kind, types.Array):
                _, offset = next(remaining)
                value = builder.gep(context.make_array(kind)(context, builder, value).data, [offset])
            operands.append(value)
        function = builder.module.globals.get(name)
        if function is None:
            kinds = [operand.type for operand in operands]
            function = ir.Function(builder.module, ir.FunctionType(ir.VoidType(), kinds), name)
            function.linkage = "internal"
            function.attributes.add("noinline")
            inside = ir.IRBuilder(function.append_basic_block())
            body(_Code(inside), *function.args)
            inside.ret_void()
        builder.call(function, operands)
        return context.get_dummy_value()

    return generate


class _Code:
    """Writes instructions."""

    def __init__(self, builder):
        self.builder = builder

    def pointer(self, start, *terms):
        """To the element Σ i * stride after `start`."""
        for factors in terms:
            index, stride = (ir.Constant(_INDEX, f) if isinstance(f, int) else f for f in factors)
            start = self.builder.gep(start, [self.builder.mul(index, stride)])
        return start

    def load(self, pointer):
        """16 neighbouring elements."""
        return self.builder.load(self.builder.bitcast(pointer, _VECTOR.as_pointer()), align=4)

    def spread(self, pointer):
        """One element in all lanes."""
        empty = ir.Constant(_VECTOR, ir.Undefined)
        first = self.builder.insert_element(empty, self.builder.load(pointer), ir.Constant(_LANE, 0))
        return self.builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(_LANE, LANES), [0] * LANES))

    def add_product(self, total, x, y):
        """Total + x y."""
        product = self.builder.fmul(x, y, flags=_ONCE_ROUNDED)
        return self.builder.fadd(product, total, flags=_ONCE_ROUNDED)

    def accumulate(self, results, count, step):
        """Load the vectors at `results`, let sums = step(i, sums) for i = 0, ..., count - 1, store them."""
        builder = self.builder
        sums = [self.load(result) for result in results]
        before, body, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
        builder.branch(body)
        builder.position_at_end(body)
        counter, states = builder.phi(_INDEX), [builder.phi(_VECTOR) for _ in sums]
        following = [builder.add(counter, ir.Constant(_INDEX, 1)), *step(counter, states)]
        for state, first, then in zip([counter, *states], [ir.Constant(_INDEX, 0), *sums], following, strict=True):
            state.add_incoming(first, before)
            state.add_incoming(then, body)
        builder.cbranch(builder.icmp_signed("<", following[0], count), body, after)
        builder.position_at_end(after)
        for result, total in zip(results, following[1:], strict=True):
            builder.store(total, builder.bitcast(result, _VECTOR.as_pointer()), align=4)
