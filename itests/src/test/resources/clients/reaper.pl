# Stands in for the program that Testcontainers starts to clean up behind it: hears on port 8080 by which labels its things
# are known, and removes all that has them, through the engine's socket, once nobody holds a connection any more.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;

$| = 1;
my $patience = $ENV{REAPER_PATIENCE} // 10;
my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, ReuseAddr => 1) or die "cannot listen: $!";
print "Started\n";

sub ask {
    my ($method, $path) = @_;
    my $engine = IO::Socket::UNIX->new('/var/run/docker.sock') or die "no engine: $!";
    print $engine "$method $path HTTP/1.0\r\nHost: docker\r\n\r\n";
    local $/;
    my $answer = <$engine>;
    print "$method $path: ", $answer =~ m{^HTTP/1\.\d (\d+)}, "\n";
    return $answer;
}

sub decoded {
    my $text = shift;
    $text =~ tr/+/ /;
    $text =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
    return $text;
}

sub encoded {
    my $text = shift;
    $text =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ge;
    return $text;
}

sub reap {
    my @labels = map { decoded($_) } map { /^label=(.*)/ ? $1 : () } split /&/, shift;
    my $filters = encoded('{"label":[' . join(',', map { "\"$_\"" } @labels) . ']}');
    ask('DELETE', "/containers/$_?force=1&v=1") for ask('GET', "/containers/json?all=1&filters=$filters") =~ /"Id":"(\w+)"/g;
    ask('DELETE', "/networks/$_") for ask('GET', "/networks?filters=$filters") =~ /"Id":"(\w+)"/g;
    ask('DELETE', "/volumes/$_?force=1") for ask('GET', "/volumes?filters=$filters") =~ /"Name":"([^"]+)"/g;
    ask('POST', "/images/prune?filters=$filters");
}

my %wishes;
my $clients = IO::Select->new($server);
my $alone = time + 60;
while ($clients->count > 1 || time < $alone) {
    for my $ready ($clients->can_read(0.2)) {
        if ($ready == $server) {
            $clients->add($server->accept);
            next;
        }
        my $line = <$ready>;
        if (defined $line) {
            $line =~ s/\s+$//;
            $wishes{$line} = 1 if $line ne '';
            print $ready "ACK\n";
            $ready->flush;
        } else {
            $clients->remove($ready);
            close $ready;
            $alone = time + $patience;
        }
    }
}
reap($_) for keys %wishes;
