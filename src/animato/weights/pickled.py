"""A closed reader of pickles: it makes plain containers and descriptions of tensors, and never imports or calls what a file names.

A pickle is a list of orders for a small machine with a stack. Python's own reader obeys all of them; this one knows those that build lists,
dictionaries, numbers and text. The names of PyTorch's rebuild functions become descriptions (Described, Odd), of which archive.py makes
tensors; every other name is Inert, whatever is done with it. No list of harmless names that another library keeps is trusted. No torch.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

ORDERS = 2_000_000  # of the longest pickle that is read; a training checkpoint of Stable Diffusion with its optimiser has 200,000
ATOMS = (str, int, float, bool, bytes, type(None))  # what may be the key of a dictionary: anything else can take for ever to compare


class BadPickle(ValueError):
    """No pickle, or one whose orders make no sense."""


@dataclass(frozen=True)
class Inert:
    """Stands for anything that a file names and nobody here wants. It takes all that is done to it, and keeps nothing."""

    name: str = "an object"


@dataclass(frozen=True)
class Name:
    """A function or class that a file names."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True)
class Stored:
    """A storage: numbers of one kind in a record of the file. kind: as PyTorch names it (FloatStorage); count: of elements."""

    kind: str
    key: str
    count: int
    where: str = "cpu"


@dataclass(frozen=True)
class Described:
    """A tensor that is not made yet: a view of a storage. number: the type of its elements, where the storage does not know it."""

    storage: Stored
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    number: str = ""


@dataclass(frozen=True)
class Odd:
    """A tensor of a kind that no network here takes. what: in words."""

    what: str


INERT = Inert()
ODD = {
    "_rebuild_sparse_tensor": "a sparse tensor",
    "_rebuild_sparse_csr_tensor": "a sparse tensor",
    "_rebuild_qtensor": "a quantised tensor",
    "_rebuild_nested_tensor": "a nested tensor",
    "_rebuild_meta_tensor_no_storage": "a meta tensor, which has no values",
}
UTILS, TENSOR = "torch._utils", "torch._tensor"
ORDERED = Name("collections", "OrderedDict")


def inert(kind: object) -> Inert:
    """An object of a class that a file names."""
    return Inert(str(kind)) if isinstance(kind, Name) else INERT


def _tensor(args: tuple[Any, ...]) -> object:
    """storage, offset, size, stride, ...: the arguments of _rebuild_tensor and _rebuild_tensor_v2."""
    storage, offset, size, stride = args[:4]
    if not isinstance(storage, Stored) or not _whole(offset) or not _wholes(size) or not _wholes(stride) or len(size) != len(stride):
        raise BadPickle("a tensor is not described as tensors are")
    if storage.where == "meta":
        return Odd(ODD["_rebuild_meta_tensor_no_storage"])
    return Described(storage, offset, tuple(size), tuple(stride))


def _tensor_of(args: tuple[Any, ...]) -> object:
    """storage, offset, size, stride, requires_grad, hooks, type of number: the arguments of _rebuild_tensor_v3."""
    made = _tensor(args)
    if not isinstance(made, Described) or not isinstance(args[6], Name):
        return made
    return Described(made.storage, made.offset, made.size, made.stride, args[6].name)


def _first(args: tuple[Any, ...]) -> object:
    """A parameter is its tensor, a size its tuple."""
    return args[0]


def _of_type(args: tuple[Any, ...]) -> object:
    """function, type, its arguments, state: a tensor with attributes of its own, which are left out."""
    function, kind, given = args[:3]
    plain = isinstance(kind, Name) and str(kind) in ("torch._tensor.Tensor", "torch.Tensor", "torch.nn.parameter.Parameter")
    return called(function, given) if plain else Odd("a tensor of a class of its own")


def _dictionary(args: tuple[Any, ...]) -> object:
    """An OrderedDict, empty or of pairs as before Python 3."""
    made: dict[Any, Any] = {}
    for pair in args[0] if args and isinstance(args[0], list | tuple) else ():
        if isinstance(pair, list | tuple) and len(pair) == 2:
            put(made, pair[0], pair[1])
    return made


FUNCTIONS: Mapping[tuple[str, str], Callable[[tuple[Any, ...]], object]] = {
    (UTILS, "_rebuild_tensor"): _tensor,
    (UTILS, "_rebuild_tensor_v2"): _tensor,
    (UTILS, "_rebuild_tensor_v3"): _tensor_of,
    (UTILS, "_rebuild_parameter"): _first,
    (UTILS, "_rebuild_parameter_with_state"): _first,
    (TENSOR, "_rebuild_from_type_v2"): _of_type,
    ("torch.nn.parameter", "Parameter"): _first,
    ("torch", "Size"): _first,
    (ORDERED.module, ORDERED.name): _dictionary,
}


def called(function: object, args: object) -> object:
    """What a function that a file names gives, if it is one of PyTorch's that rebuild tensors; otherwise something inert."""
    if not isinstance(function, Name) or not isinstance(args, tuple):
        return INERT
    rebuild = FUNCTIONS.get((function.module, function.name))
    if rebuild is not None:
        try:
            return rebuild(args)
        except BadPickle:
            raise
        except (IndexError, ValueError, TypeError) as error:
            raise BadPickle(f"{function} is given what it cannot take") from error
    if function.module in (UTILS, TENSOR) and function.name.startswith("_rebuild"):
        return Odd(ODD.get(function.name, f"made by {function.name}"))
    return Inert(str(function))


def stored(identity: object) -> object:
    """What a persistent id stands for: ("storage", type, key, device, count) is a storage, ("module", class, ...) the name of a class."""
    if not isinstance(identity, tuple):
        return INERT
    if len(identity) > 1 and identity[0] == "module":
        return identity[1] if isinstance(identity[1], Name) else INERT
    if len(identity) < 5 or identity[0] != "storage":
        return INERT
    kind, key, where, count = identity[1:5]
    view = identity[5] if len(identity) > 5 else None
    if not isinstance(kind, Name) or not isinstance(key, str) or not _whole(count) or view is not None:
        raise BadPickle("a storage is not described as storages are")
    return Stored(kind.name, key, count, where if isinstance(where, str) else "")


def put(target: object, key: object, value: object) -> None:
    """target[key] = value, for a dictionary and an atom; whatever else is asked for does not matter."""
    if isinstance(target, dict) and isinstance(key, ATOMS):
        target[key] = value


@dataclass
class Machine:
    """The stack machine that a pickle gives orders to. Only `run` is for others."""

    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    storages: dict[str, Stored] = field(default_factory=dict)

    def run(self, file: IO[bytes]) -> object:
        """The object of a pickle that begins where the file stands; the file then stands behind it. Raises BadPickle."""
        try:
            for number, (order, arg, _) in enumerate(pickletools.genops(file)):
                if number == ORDERS:
                    raise BadPickle("it is longer than any list of tensors")
                if order.name == "STOP":
                    return self.stack.pop()
                self._obey(order.name, arg)
        except (IndexError, KeyError, ValueError, OverflowError, RecursionError) as error:
            raise BadPickle(str(error) if isinstance(error, BadPickle) else "its orders make no sense") from error
        raise BadPickle("it has no end")

    def _obey(self, name: str, arg: Any) -> None:
        if name in _VALUES:
            self.stack.append(arg)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        else:
            _ORDERS[name](self, arg)

    def above_mark(self) -> list[Any]:
        """What lies above the last mark, taken off the stack."""
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def call(self, _: Any) -> None:
        args = self.stack.pop()
        self.stack.append(called(self.stack.pop(), args))

    def call_new(self, count: int) -> None:
        """NEWOBJ and NEWOBJ_EX: a class and its arguments; the only class that is made is OrderedDict."""
        del self.stack[len(self.stack) - count + 1 :]
        kind = self.stack.pop()
        self.stack.append({} if kind == ORDERED else inert(kind))

    def instance(self, arg: str | None) -> None:
        """INST and OBJ: of before Python 2.3."""
        items = self.above_mark()
        self.stack.append(inert(items[0] if arg is None else Name(*arg.split(" ", 1))))

    def name(self, arg: str) -> None:
        module, _, name = arg.partition(" ")
        self.stack.append(Name(module, name))

    def stack_name(self, _: Any) -> None:
        name = self.stack.pop()
        module = self.stack.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise BadPickle("a name is not a text")
        self.stack.append(Name(module, name))

    def identity(self, _: Any) -> None:
        found = stored(self.stack.pop())
        if isinstance(found, Stored) and self.storages.setdefault(found.key, found) != found:
            raise BadPickle("one storage is described in two ways")
        self.stack.append(found)

    def extend(self, items: list[Any]) -> None:
        if isinstance(self.stack[-1], list):
            self.stack[-1].extend(items)

    def set_items(self, items: list[Any]) -> None:
        for key, value in zip(items[::2], items[1::2], strict=True):
            put(self.stack[-1], key, value)

    def tuple_of(self, count: int) -> None:
        if count > len(self.stack) - (self.marks[-1] if self.marks else 0):
            raise BadPickle("a tuple lacks items")
        items = tuple(self.stack[-count:])
        del self.stack[-count:]
        self.stack.append(items)

    def pop_many(self, count: int) -> list[Any]:
        items = self.stack[-count:]
        del self.stack[-count:]
        return items

    def remember(self, number: int | None) -> None:
        self.memo[len(self.memo) if number is None else int(number)] = self.stack[-1]

    def recall(self, number: int) -> None:
        self.stack.append(self.memo[int(number)])

    def drop(self, _: Any) -> None:
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self.stack.pop()

    def dictionary(self, _: Any) -> None:
        items = self.above_mark()
        self.stack.append({})
        self.set_items(items)

    def frozen(self, _: Any) -> None:
        self.above_mark()
        self.stack.append(INERT)


_VALUES = frozenset(  # their argument is what they put on the stack
    ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT")
    + ("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "STRING", "BINSTRING", "SHORT_BINSTRING")
    + ("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8")
)
_CONSTANTS: Mapping[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": Inert,
    "EXT1": Inert,
    "EXT2": Inert,
    "EXT4": Inert,
    "PERSID": Inert,
}
_ORDERS: Mapping[str, Callable[[Machine, Any], None]] = {
    "PROTO": lambda machine, arg: None,
    "FRAME": lambda machine, arg: None,
    "MARK": lambda machine, arg: machine.marks.append(len(machine.stack)),
    "POP": Machine.drop,
    "POP_MARK": lambda machine, arg: machine.above_mark().clear(),
    "DUP": lambda machine, arg: machine.stack.append(machine.stack[-1]),
    "PUT": Machine.remember,
    "BINPUT": Machine.remember,
    "LONG_BINPUT": Machine.remember,
    "MEMOIZE": Machine.remember,
    "GET": Machine.recall,
    "BINGET": Machine.recall,
    "LONG_BINGET": Machine.recall,
    "LIST": lambda machine, arg: machine.stack.append(machine.above_mark()),
    "TUPLE": lambda machine, arg: machine.stack.append(tuple(machine.above_mark())),
    "TUPLE1": lambda machine, arg: machine.tuple_of(1),
    "TUPLE2": lambda machine, arg: machine.tuple_of(2),
    "TUPLE3": lambda machine, arg: machine.tuple_of(3),
    "DICT": Machine.dictionary,
    "FROZENSET": Machine.frozen,
    "APPEND": lambda machine, arg: machine.extend(machine.pop_many(1)),
    "APPENDS": lambda machine, arg: machine.extend(machine.above_mark()),
    "ADDITEMS": lambda machine, arg: machine.above_mark().clear(),
    "SETITEM": lambda machine, arg: machine.set_items(machine.pop_many(2)),
    "SETITEMS": lambda machine, arg: machine.set_items(machine.above_mark()),
    "GLOBAL": Machine.name,
    "STACK_GLOBAL": Machine.stack_name,
    "REDUCE": Machine.call,
    "NEWOBJ": lambda machine, arg: machine.call_new(2),
    "NEWOBJ_EX": lambda machine, arg: machine.call_new(3),
    "INST": Machine.instance,
    "OBJ": Machine.instance,
    "BUILD": lambda machine, arg: machine.pop_many(1).clear(),  # a state is left aside: also the version numbers beside a state_dict
    "BINPERSID": Machine.identity,
}


def _whole(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**62


def _wholes(values: object) -> bool:
    return isinstance(values, tuple | list) and len(values) <= 64 and all(_whole(value) for value in values)
