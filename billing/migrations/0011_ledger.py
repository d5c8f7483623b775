"""What makes a balance the sum of its transactions, whoever writes them and however."""

from django.db import migrations

KEEP_SUM = """
CREATE FUNCTION billing_balance_follows_transactions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (
        NEW.amount IS DISTINCT FROM OLD.amount OR NEW.balance_id IS DISTINCT FROM OLD.balance_id
    ) THEN
        RAISE EXCEPTION 'a transaction of a balance never changes'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'balance_transaction_unchanged';
    END IF;
    IF TG_OP = 'DELETE' AND OLD.entity_type <> 'BILL'
        AND current_setting('billwright.deleted_balance', true)
            IS DISTINCT FROM OLD.balance_id::text
    THEN
        RAISE EXCEPTION 'a transaction of a balance is never deleted'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'balance_transaction_unchanged';
    END IF;
    IF TG_OP = 'INSERT' THEN
        UPDATE billing_balance SET amount = amount + NEW.amount WHERE id = NEW.balance_id;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE billing_balance SET amount = amount - OLD.amount WHERE id = OLD.balance_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER billing_balance_follows_transactions
    AFTER INSERT OR UPDATE OR DELETE ON billing_balancetransaction
    FOR EACH ROW EXECUTE FUNCTION billing_balance_follows_transactions();
"""
ONLY_BY_LEDGER = """
CREATE FUNCTION billing_balance_only_by_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Inside of the trigger on transactions the depth is 2.
    IF pg_trigger_depth() < 2 AND (
        TG_OP = 'INSERT' AND NEW.amount <> 0
        OR TG_OP = 'UPDATE' AND NEW.amount IS DISTINCT FROM OLD.amount
    ) THEN
        RAISE EXCEPTION 'the amount of a balance follows from its transactions'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'balance_amount_is_the_sum';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER billing_balance_only_by_ledger
    AFTER INSERT OR UPDATE ON billing_balance
    FOR EACH ROW EXECUTE FUNCTION billing_balance_only_by_ledger();
"""


def _dropped(name: str, table: str) -> str:
    return f"DROP TRIGGER {name} ON {table}; DROP FUNCTION {name}();"


class Migration(migrations.Migration):
    """A balance's amount moves with its transactions, and in no other way (BAL-1, BAL-3).

    Concurrent transactions wait for one another at the balance's row. A transaction that a bill
    wrote is deleted when the bill is; any other only together with its balance.
    """

    dependencies = [("billing", "0010_contracts_prepayments_charges")]

    operations = [
        migrations.RunSQL(
            KEEP_SUM,
            _dropped("billing_balance_follows_transactions", "billing_balancetransaction"),
        ),
        migrations.RunSQL(
            ONLY_BY_LEDGER, _dropped("billing_balance_only_by_ledger", "billing_balance")
        ),
    ]
