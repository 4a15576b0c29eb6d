"""A one-step policy's network of mish layers, elsewhere.

In ONNX Runtime, PyTorch or JAX, one thread or more; for comparison only.
"""

import sys

import timing


def add_options(parser):
    parser.add_argument("--framework", required=True,
                        choices=["onnxruntime", "torch", "torch-compile",
                                 "jax"])
    parser.add_argument("--rows", type=int, default=1)


options = timing.parse(__doc__, add_options)
try:
    import numpy as np
    if options.framework == "onnxruntime":
        import onnx
        import onnxruntime
    elif options.framework == "jax":
        jax = timing.jax()
    else:
        import torch
except ImportError as error:
    sys.exit(str(error))

SIZES = [options.obs + options.act + 16, *options.hidden, options.act]
random = np.random.default_rng(0)
layers = [(random.normal(size=(i, o)).astype("f") / np.float32(i**0.5),
           np.zeros(o, "f")) for i, o in zip(SIZES, SIZES[1:])]
x = random.normal(size=(options.rows, SIZES[0])).astype("f")


def of_onnxruntime():
    helper, nodes, stored, value = onnx.helper, [], [], "x"
    for i, pair in enumerate(layers):
        names = [f"weight{i}", f"bias{i}"]
        stored += map(onnx.numpy_helper.from_array, pair, names)
        nodes.append(helper.make_node("Gemm", [value, *names], [f"y{i}"]))
        value = f"y{i}"
        if i + 1 < len(layers):
            nodes.append(helper.make_node("Mish", [value], [f"h{i}"]))
            value = f"h{i}"
    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT,
                                          [options.rows, size])
            for name, size in (("x", SIZES[0]), (value, SIZES[-1]))]
    graph = helper.make_graph(nodes, "policy", ends[:1], ends[1:], stored)
    model = helper.make_model(graph, ir_version=9,
                              opset_imports=[helper.make_opsetid("", 18)])
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), settings,
        providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x}), onnxruntime.__version__


def of_torch():
    torch.set_num_threads(options.threads)
    params = [tuple(map(torch.tensor, pair)) for pair in layers]
    start = torch.tensor(x)

    def forward():
        h = start
        for weight, bias in params[:-1]:
            h = torch.nn.functional.mish(torch.addmm(bias, h, weight))
        return torch.addmm(params[-1][1], h, params[-1][0])

    if options.framework == "torch-compile":
        forward = torch.compile(forward)

    def call():
        with torch.inference_mode():
            forward()
    return call, torch.__version__


def of_jax():
    jnp = jax.numpy

    @jax.jit
    def forward(params, h):
        for weight, bias in params[:-1]:
            h = h @ weight + bias
            h = h * jnp.tanh(jax.nn.softplus(h))
        return h @ params[-1][0] + params[-1][1]

    params, start = jax.tree.map(jnp.array, (layers, x))
    return (lambda: forward(params, start).block_until_ready(),
            jax.__version__)


maker = {"onnxruntime": of_onnxruntime, "jax": of_jax}
call, version = maker.get(options.framework, of_torch)()
timing.report(f"{options.framework} {version}", options.seconds, call)
