"""Workflows as data: the same definition runs on our engine, and compiles to the Amazon States Language.

onboarding = Definition("onboarding", start="charge", states=(
    Task(name="charge", function="shop.flows:charge", result="charge", next="large",
         retry=RetryRule(errors=("ConnectionError",), max_attempts=3)),
    Choice(name="large", rules=(Rule(path="total", test="greater", value=100, next="sign"),), default="ship"),
    Approval(name="sign", notify="shop.flows:mail_manager", timeout_seconds=86_400, result="sign", next="ship"),
    Task(name="ship", function="shop.flows:ship"),
))
"""

from rung.runtime.workflow.declared.asl import to_asl as to_asl
from rung.runtime.workflow.declared.states import Approval as Approval
from rung.runtime.workflow.declared.states import Catch as Catch
from rung.runtime.workflow.declared.states import Choice as Choice
from rung.runtime.workflow.declared.states import Definition as Definition
from rung.runtime.workflow.declared.states import Fail as Fail
from rung.runtime.workflow.declared.states import Map as Map
from rung.runtime.workflow.declared.states import Parallel as Parallel
from rung.runtime.workflow.declared.states import RetryRule as RetryRule
from rung.runtime.workflow.declared.states import Rule as Rule
from rung.runtime.workflow.declared.states import State as State
from rung.runtime.workflow.declared.states import Task as Task
from rung.runtime.workflow.declared.states import Wait as Wait
