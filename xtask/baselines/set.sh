# sourced: the Pallets set. set_lib NAME sets SRC SUB MY UPS DEPS PATHS
LIBS="markupsafe itsdangerous blinker click jinja2 werkzeug flask flaskr"
SPECS="markupsafe==3.0.2 itsdangerous==2.2.0 blinker==1.9.0 click==8.3.1 jinja2==3.1.6 werkzeug==3.1.6 flask==3.1.3"
set_lib() {
  SRC=$1 SUB= MY=y UPS= DEPS= PATHS="src tests"
  case $1 in
    itsdangerous) DEPS=freezegun ;;
    blinker) DEPS=pytest-asyncio ;;
    jinja2) DEPS=trio UPS=markupsafe ;;
    werkzeug) DEPS="cffi cryptography ephemeral-port-reserve pytest-timeout watchdog" UPS=markupsafe ;;
    flask) DEPS="asgiref greenlet python-dotenv cryptography types-contextvars types-dataclasses" UPS="markupsafe itsdangerous blinker click jinja2 werkzeug" ;;
    flaskr) SRC=flask SUB=examples/tutorial PATHS="flaskr tests" MY=n UPS="markupsafe itsdangerous blinker click jinja2 werkzeug flask" ;;
  esac
}
# what would fail at run time: the same selection as in examples/pallets
FLAKE8="--select E9,F63,F7,F821,F822,F823"
# the build's own version, so that "just built" cannot be taken for the public release
stamp() {
  sed -i -E 's/^version = "([0-9.]+)"/version = "\1+b1"/' pyproject.toml
  if [ "$1" = jinja2 ]; then sed -i -E 's/^(__version__ = "[0-9.]+)"/\1+b1"/' src/jinja2/__init__.py; fi
}
pin() { basename "$1"/*.tar.gz .tar.gz | sed -E 's/-([0-9].*)$/==\1/'; }
# the sum of the tests that passed, over the logs given
passed() { grep -h -E '[0-9]+ passed' "$@" | sed -E 's/(.* )?([0-9]+) passed.*/\2/' | awk '{n+=$1} END{print "tests passed: " n}'; }
