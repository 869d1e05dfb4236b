LIBS := markupsafe itsdangerous blinker click jinja2 werkzeug flask flaskr
up_jinja2 := markupsafe
up_werkzeug := markupsafe
up_flask := itsdangerous blinker click jinja2 werkzeug
up_flaskr := flask
my := markupsafe itsdangerous blinker click jinja2 werkzeug flask
T = @$(here)/timed.sh $* $(1) $(here)/step.sh $(1) $* && touch $@
all: $(W)/d/flaskr.test
$(W)/d/%.src: ; $(call T,src)
$(W)/d/%.env: ; $(call T,env)
$(W)/d/%.build: $(W)/d/%.src ; $(call T,build)
$(W)/d/%.flake8: $(W)/d/%.src ; $(call T,flake8)
define LIB
$(W)/d/$(1).inst: $(W)/d/$(1).env $(W)/d/$(1).build $(foreach u,$(up_$(1)),$(W)/d/$(u).pub)
	@$(here)/timed.sh $(1) inst $(here)/step.sh inst $(1) && touch $$@
$(W)/d/$(1).pub: $(W)/d/$(1).test $(W)/d/$(1).flake8 $(if $(filter $(1),$(my)),$(W)/d/$(1).mypy)
	@$(here)/timed.sh $(1) pub $(here)/step.sh pub $(1) && touch $$@
endef
$(foreach l,$(LIBS),$(eval $(call LIB,$(l))))
$(W)/d/%.test: $(W)/d/%.inst ; $(call T,test)
$(W)/d/%.mypy: $(W)/d/%.inst ; $(call T,mypy)
.SECONDARY:
