# prove's own display, and after its summary one last line for people and scripts: what passed and
# what failed. A program that dies, ends early, runs on past its plan or has no plan at all counts as
# failed even where each test that it did print was fine. Skipped tests are not counted as passed.
package Counted;

use strict;
use warnings;
use TAP::Formatter::Console;
use TAP::Formatter::File;

our @ISA = ( -t STDOUT ? 'TAP::Formatter::Console' : 'TAP::Formatter::File' );

sub summary {
    my ( $self, $aggregate, $interrupted ) = @_;
    my ( $passed, $failed, $skipped ) = ( 0, 0, 0 );
    my @skipped_files;

    $self->SUPER::summary( $aggregate, $interrupted );
    for my $name ( $aggregate->descriptions ) {
        my ($parser) = $aggregate->parsers($name);
        my $wrong = $parser->failed;
        my $missing = ( $parser->tests_planned || 0 ) - ( $parser->tests_run || 0 );

        $wrong += $missing if $missing > 0;
        $wrong = 1 if !$wrong && ( $parser->exit || $parser->wait || $parser->parse_errors || !$parser->is_good_plan );
        push @skipped_files, "$name: " . $parser->skip_all if $parser->skip_all;

        my $left_out = () = $parser->skipped;
        $skipped += $left_out;
        $passed  += $parser->passed - $left_out;
        $failed  += $wrong;
    }
    $failed++ if $interrupted && !$failed;
    print "skipped: $_\n" for @skipped_files;
    print "skipped within the others: $skipped\n" if $skipped;
    print "$passed passed, $failed failed\n";
    exit 1 if $failed;
}

1;
