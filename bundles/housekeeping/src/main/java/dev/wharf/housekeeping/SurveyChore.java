package dev.wharf.housekeeping;

/** Compares kernel and disk with what is known of them, which closes what gaps there are. */
final class SurveyChore implements Chore {
    @Override
    public String name() {
        return "survey";
    }

    @Override
    public String what() {
        return "compares kernel and disk with what is known of them";
    }

    @Override
    public boolean hasDryRun() {
        return false;
    }

    @Override
    public void work(Shift shift) {
        shift.progress("looks at kernel and disk");
        int differences = shift.agent().maintenance().survey();
        shift.summary(
                differences == 0
                        ? "all is as it is known"
                        : Forms.count(differences, "difference") + " written down; plans see to them");
    }
}
