"""Run bill jobs and other tasks at once, although a test's transaction never commits."""

import pytest

JUNE = {"lastDateInBillingPeriod": "2024-06-30", "billingFrequency": "MONTHLY"}


@pytest.fixture
def billed(api, eager_tasks, django_capture_on_commit_callbacks):
    """Run jobs at once, although a test's transaction never commits."""

    def run(body=None, path="billjobs"):
        with django_capture_on_commit_callbacks(execute=True):
            answer = api.post(path, JUNE if body is None else body)
        assert answer.status == 200, answer
        return api.get(f"billjobs/{answer.json['id']}").json

    return run


@pytest.fixture
def committed(eager_tasks, django_capture_on_commit_callbacks):
    """Do what a worker would after a call."""

    def run(call):
        with django_capture_on_commit_callbacks(execute=True):
            return call()

    return run
