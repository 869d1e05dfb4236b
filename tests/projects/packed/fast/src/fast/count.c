#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *next(PyObject *self, PyObject *number)
{
    long value = PyLong_AsLong(number);
    if (value == -1 && PyErr_Occurred())
        return NULL;
    return PyLong_FromLong(value + 1);
}

static PyMethodDef methods[] = {
    {"next", next, METH_O, "The number after this one."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_count", NULL, -1, methods};

PyMODINIT_FUNC PyInit__count(void)
{
    return PyModule_Create(&module);
}
